import { drawPicture } from './pictures.ts';
import type { ClipRequest, Input, ServedOutput } from './replicate-predictions.ts';
import { createSampleClips } from './sample-clip.ts';
import { createSampleSpeech } from './sample-speech.ts';

/** What models give in the absence of a script. */
export type MakeOutput = (request: ClipRequest) => Promise<ServedOutput>;

const WRITERS = /gpt-(?!image)|gemini-(?!.*image)|claude|llama|llava|moondream|deepseek/;
const LISTENER = /transcribe/;
const WHISPER = /whisper/;
const SPEAKERS = /speech|kokoro|xtts|chatterbox|elevenlabs/;
const PAINTERS =
  /flux|imagen|nano-banana|seedream|ideogram|recraft|gpt-image|qwen-image|pulid|-image\b|upscale|avatar/;
const FILMERS = /video|veo|kling|sora|wan-|hailuo|seedance|pixverse|ray-|gen-?4|q3-|p-video/;

/**
 * Outputs as the known models give them: words as an array of pieces, a transcript, an MP3, pictures (an
 * array where the request says how many), else a clip.
 */
export function createDefaultOutputs(options: {
  readonly ffmpegPath: string;
  readonly makeClip: ((request: ClipRequest) => Promise<Buffer>) | undefined;
}): MakeOutput {
  const sampleClip = createSampleClips(options.ffmpegPath);
  const sampleSpeech = createSampleSpeech(options.ffmpegPath);
  const makeClip = options.makeClip ?? (({ seconds }: ClipRequest) => sampleClip(seconds));
  let pictures = 0;

  async function makePicture(input: Input): Promise<Buffer> {
    pictures += 1;
    const picture = drawPicture({ ...sizeOf(input), seed: pictures });
    const format = input['output_format'];
    if (format === 'png') return picture.png().toBuffer();
    return format === 'webp' ? picture.webp().toBuffer() : picture.jpeg().toBuffer();
  }

  return async (request) => {
    const { model, input } = request;
    if (LISTENER.test(model)) return { value: ['Hello, ', 'this is ', 'what was said.'] };
    if (WHISPER.test(model)) return { value: whisperOutput() };
    if (WRITERS.test(model)) return { value: ['A portrait ', 'in warm ', 'evening light.'] };
    if (SPEAKERS.test(model)) return { files: [await sampleSpeech()] };
    const count = input['num_outputs'];
    const isPainter = count !== undefined || (PAINTERS.test(model) && !FILMERS.test(model));
    if (!isPainter) return { files: [await makeClip(request)] };
    const files = await Promise.all(
      Array.from({ length: typeof count === 'number' ? count : 1 }, () => makePicture(input)),
    );
    return { files, shape: count === undefined ? 'string' : 'array' };
  };
}

function whisperOutput(): object {
  const transcription = ' Hello, this is what was said.';
  const segment = { id: 0, start: 0, end: 2, text: transcription };
  return { detected_language: 'english', transcription, segments: [segment] };
}

/** Half of what was asked for keeps tests quick; the shape is what they look at. */
function sizeOf(input: Input): { readonly width: number; readonly height: number } {
  const { width, height, aspect_ratio: ratio } = input;
  if (typeof width === 'number' && typeof height === 'number') return { width, height };
  const [, across = 1, down = 1] = (/^(\d+):(\d+)$/.exec(String(ratio)) ?? []).map(Number);
  const longest = Math.max(across, down);
  return {
    width: Math.round((512 * across) / longest),
    height: Math.round((512 * down) / longest),
  };
}
