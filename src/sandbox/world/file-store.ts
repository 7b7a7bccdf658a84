import { randomBytes } from 'node:crypto';
import type { MessageContent } from './chat-state.ts';
import type { Store } from './store.ts';

/** What a file was sent as; a file_id can only be reused as the same kind. */
export type FileKind =
  | 'animation'
  | 'audio'
  | 'document'
  | 'photo'
  | 'sticker'
  | 'thumbnail'
  | 'video'
  | 'video_note'
  | 'voice';

/** A file known to the server. */
export interface StoredFile {
  readonly fileId: string;
  readonly fileUniqueId: string;
  readonly kind: FileKind;
  /** Path below `/file/bot<token>/`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly mimeType: string | undefined;
}

/** What to keep when storing a file. */
export interface NewFile {
  kind: FileKind;
  data: Uint8Array | { sizeBytes: number };
  /** With the dot, for instance `.jpg`. */
  extension: string;
  mimeType?: string | undefined;
  fileUniqueId?: string | undefined;
}

/** Files by id; a file_id once given out works until the file is removed. */
export interface FileStore {
  add(file: NewFile): StoredFile;
  /** Remembers what a message with this file holds, so that sending its file_id repeats it. */
  describe(fileId: string, content: MessageContent): void;
  get(fileId: string): StoredFile | undefined;
  byPath(path: string): StoredFile | undefined;
  /** The content given to {@link FileStore.describe}. */
  content(fileId: string): MessageContent | undefined;
  /** The file's bytes; zeros where only a size was claimed. */
  bytes(file: StoredFile): Uint8Array;
  /** Forgets a file and its bytes, if there is one. */
  remove(fileId: string): void;
}

const folders: Record<FileKind, string> = {
  animation: 'animations',
  audio: 'music',
  document: 'documents',
  photo: 'photos',
  sticker: 'stickers',
  thumbnail: 'thumbnails',
  video: 'videos',
  video_note: 'video_notes',
  voice: 'voice',
};

/** Opens the files kept in a store. */
export function createFileStore(store: Store): FileStore {
  const files = store.table<StoredFile>('files');
  const contents = store.table<MessageContent>('file-contents');
  const paths = new Map(files.values().map((file) => [file.path, file]));
  let number = Math.max(-1, ...files.values().map(({ path }) => numberIn(path)));

  return {
    add({ kind, data, extension, mimeType, fileUniqueId }) {
      number += 1;
      const file: StoredFile = {
        fileId: `AgAC${randomBytes(36).toString('base64url')}`,
        fileUniqueId: fileUniqueId ?? `AQAD${randomBytes(9).toString('base64url')}`,
        kind,
        path: `${folders[kind]}/file_${number}${extension}`,
        sizeBytes: data instanceof Uint8Array ? data.byteLength : data.sizeBytes,
        mimeType,
      };
      // Before the record that promises them.
      if (data instanceof Uint8Array) store.writeBytes(bytesPath(file), data);
      files.set(file.fileId, file);
      paths.set(file.path, file);
      return file;
    },
    describe: (fileId, content) => void contents.set(fileId, content),
    get: (fileId) => files.get(fileId),
    byPath: (path) => paths.get(path),
    content: (fileId) => contents.get(fileId),
    bytes: (file) => store.readBytes(bytesPath(file)) ?? new Uint8Array(file.sizeBytes),
    remove(fileId) {
      const file = files.get(fileId);
      if (file === undefined) return;
      files.delete(fileId);
      contents.delete(fileId);
      paths.delete(file.path);
      // After the record that promises them.
      store.removeBytes(bytesPath(file));
    },
  };
}

const numberIn = (path: string) => Number(/file_(\d+)/.exec(path)?.[1] ?? -1);
const bytesPath = ({ path }: StoredFile) => `files/${path}`;
