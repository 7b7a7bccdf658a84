import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Writes a ZIP of files as they are, which is how photos end up in one anyway. */
export async function writeStoredZip(
  path: string,
  files: readonly { readonly name: string; readonly data: Buffer }[],
): Promise<void> {
  const directory: Buffer[] = [];
  const zip = await open(path, 'w');
  try {
    let offset = 0;
    for (const { name, data } of files) {
      const fields = Buffer.alloc(26);
      fields.writeUInt16LE(20, 0);
      fields.writeUInt32LE(crc32(data), 10);
      fields.writeUInt32LE(data.length, 14);
      fields.writeUInt32LE(data.length, 18);
      fields.writeUInt16LE(name.length, 22);
      const rest = Buffer.alloc(14);
      rest.writeUInt32LE(offset, 10);
      directory.push(Buffer.from('PK\x01\x02\x14\0'), fields, rest, Buffer.from(name));
      const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name)]);
      await zip.write(local);
      await zip.write(data);
      offset += local.length + data.length;
    }
    const listed = Buffer.concat(directory);
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(files.length, 8);
    end.writeUInt16LE(files.length, 10);
    end.writeUInt32LE(listed.length, 12);
    end.writeUInt32LE(offset, 16);
    await zip.write(Buffer.concat([listed, end]));
  } finally {
    await zip.close();
  }
}
