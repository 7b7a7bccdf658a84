import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A real MP3 of two seconds, mono at 24 kHz. Made once.
 * @param ffmpegPath the program that makes it.
 */
export function createSampleSpeech(ffmpegPath: string): () => Promise<Buffer> {
  let speech: Promise<Buffer> | undefined;
  return () => {
    speech ??= makeSpeech(ffmpegPath);
    return speech;
  };
}

async function makeSpeech(ffmpegPath: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'sample-speech-'));
  try {
    const path = join(folder, 'speech.mp3');
    const source = 'sine=frequency=220:sample_rate=24000:duration=2';
    const encoding = ['-c:a', 'libmp3lame', '-b:a', '64k'];
    await run(ffmpegPath, ['-v', 'error', '-f', 'lavfi', '-i', source, ...encoding, path]);
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
