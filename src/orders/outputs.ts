import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { assertNever } from '../domain/assert-never.ts';
import type { Failure } from '../domain/failure.ts';
import { FfmpegError } from '../media/ffmpeg.ts';
import { BrokenImageError, type Images } from '../media/images.ts';
import type { Sounds } from '../media/sounds.ts';
import type { Storage } from '../media/storage.ts';
import type { Video } from '../media/video.ts';
import type { Provider } from '../providers/provider.ts';
import type { FinishKind } from '../services/service.ts';

/** What a model gives for one step. */
export type OutputForm = 'video' | 'image' | 'sound' | 'text' | 'model';

/** What the steps of a result are. */
export function outputForm(finish: FinishKind): OutputForm {
  switch (finish) {
    case 'stitched_video':
    case 'video':
      return 'video';
    case 'images':
      return 'image';
    case 'speech':
      return 'sound';
    case 'text':
      return 'text';
    case 'trained_model':
      return 'model';
    default:
      return assertNever(finish);
  }
}

/** The extension of the file that an output is kept in; what a picture or sound really is, its bytes tell. */
export const OUTPUT_EXTENSIONS = {
  video: 'mp4',
  image: 'image',
  sound: 'sound',
  text: 'txt',
  model: 'json',
} as const satisfies Record<OutputForm, string>;

/** A trained model as its provider names it, `owner/name:version`: any other could be neither used nor deleted. */
export const trainedModelSchema = z.object({
  version: z
    .string()
    .max(300)
    .regex(/^[\w.-]+\/[\w.-]+:\w+$/),
});

export interface OutputDeps {
  readonly storage: Storage;
  readonly video: Pick<Video, 'check'>;
  readonly images: Pick<Images, 'checkImage'>;
  readonly sounds: Pick<Sounds, 'checkSound'>;
}

export type Fetched =
  /** The file is on disk, and is what it should be. */
  | { readonly kind: 'output'; readonly info: unknown }
  | { readonly kind: 'lost' }
  /** A text without a word: the model heard or saw nothing, and would not again. */
  | { readonly kind: 'nothing' }
  /** Whole, but of no use. */
  | { readonly kind: 'unusable'; readonly failure: Failure }
  | { readonly kind: 'later'; readonly failure: Failure };

/** A file by its URL, alone or as the only one of a list. */
const fileOutput = z.union([z.string().min(1), z.tuple([z.string().min(1)]).rest(z.unknown())]);

/** Words as a whole, in pieces, or under the names that speech and language models use. */
const textOutput = z.union([
  z.string(),
  z.array(z.string()).transform((pieces) => pieces.join('')),
  z.object({ text: z.string() }).transform(({ text }) => text),
  z.object({ transcription: z.string() }).transform(({ transcription }) => transcription),
]);

const UNUSABLE: Fetched = { kind: 'unusable', failure: { kind: 'provider_error' } };

/** Brings an output to `path`, whole or not at all, and proves that it is what was paid for. */
export async function fetchOutput(
  deps: OutputDeps,
  provider: Pick<Provider, 'download'>,
  asked: { readonly form: OutputForm; readonly key: string },
  output: unknown,
  signal: AbortSignal,
): Promise<Fetched> {
  const { form, key } = asked;
  if (form === 'text') {
    const text = textOutput.safeParse(output).data?.trim();
    if (text === undefined) return UNUSABLE;
    if (text === '') return { kind: 'nothing' };
    await deps.storage.write(key, Buffer.from(text));
    return { kind: 'output', info: { characters: [...text].length } };
  }
  if (form === 'model') {
    const trained = trainedModelSchema.safeParse(output).data;
    if (!trained) return UNUSABLE;
    await deps.storage.write(key, Buffer.from(JSON.stringify(trained)));
    return { kind: 'output', info: trained };
  }
  const parsed = fileOutput.safeParse(output).data;
  const url = typeof parsed === 'string' ? parsed : parsed?.[0];
  if (url === undefined) return isNothing(output) ? { kind: 'lost' } : UNUSABLE;
  const path = deps.storage.pathOf(key);
  const downloaded = await provider.download(url, path, signal);
  if (downloaded.kind === 'failed') {
    const { failure } = downloaded;
    return failure.kind === 'output_lost' ? { kind: 'lost' } : { kind: 'later', failure };
  }
  try {
    return { kind: 'output', info: await check(deps, form, path, signal) };
  } catch (error) {
    signal.throwIfAborted();
    // Anything else is a trouble of this machine and not the provider's fault.
    const isTheirs =
      error instanceof BrokenImageError ||
      (error instanceof FfmpegError && error.kind === 'invalid_media');
    if (!isTheirs) throw error;
    return UNUSABLE;
  }
}

/** The words that a step gave. */
export function readText(storage: Storage, key: string): Promise<string> {
  return readFile(storage.pathOf(key), 'utf8');
}

/** Decoded once: what does not play must not be found out by the person. */
function check(
  deps: OutputDeps,
  form: 'video' | 'image' | 'sound',
  path: string,
  signal: AbortSignal,
): Promise<unknown> {
  switch (form) {
    case 'video':
      return deps.video.check(path, signal);
    case 'image':
      return deps.images.checkImage(path);
    case 'sound':
      return deps.sounds.checkSound(path, signal);
  }
}

function isNothing(output: unknown): boolean {
  return output == null || (Array.isArray(output) && output.length === 0);
}
