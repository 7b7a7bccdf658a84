import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type FfmpegTools, locateFfmpeg, runFfmpeg } from '../../src/media/ffmpeg.ts';
import { createMorpher } from '../../src/media/morpher/create-morpher.ts';
import type { Morpher } from '../../src/media/morpher/morpher.ts';
import { encodeClipOptions, framesEncoding } from '../../src/media/video-commands.ts';
import { findChildren } from '../media/morpher-children.ts';
import { cutGroup, type GroupNumber } from '../media/morpher-pictures.ts';
import { useDirectory } from '../support/pictures.ts';
import { type Bench, measurePairs, spread, timed } from './measure.ts';

const REPETITIONS = 3;
const SIZE = { width: 1280, height: 720 };
const FPS = 30;
const SECONDS = 2;
const FRAMES = FPS * SECONDS;
const GOAL_SECONDS = 3;
const MEMORY_MB = 400;
/** Short enough that getting to know the photos is most of the work. */
const GLANCE_SECONDS = 0.1;
const TIMEOUT_MS = 5 * 60_000;

/** Photos of groups, so that faces are found and tried; the engine is warm. */
export const morph: Bench = {
  name: 'morph',
  about: `A morph of ${SECONDS} s in ${SIZE.height}p${FPS} on this machine, against ffmpeg's own ways between the same photos`,
  async run() {
    // As `main.ts` does for whatever the bot starts.
    process.env['MALLOC_ARENA_MAX'] ??= '1';
    await using directory = await useDirectory();
    const tools = await locateFfmpeg();
    const morpher = createMorpher({ tools, log: console });
    try {
      const work = directory.path;
      const from = await savePhoto(work, 1);
      const to = await savePhoto(work, 3);
      const output = join(work, 'clip.mp4');
      const job = { from, to, output, ...SIZE, fps: FPS };
      const render = () => timed(() => morpher.morph({ ...job, seconds: SECONDS }));
      const filter = (graph: string) => timed(() => runFilter(tools, { from, to, output }, graph));
      const fade = await measurePairs(REPETITIONS, {
        ours: render,
        bare: () => filter(CROSS_FADE),
      });
      const flow = await measurePairs(REPETITIONS, {
        ours: render,
        bare: () => filter(MOTION_INTERPOLATION),
      });
      const chain = await measureChain(morpher, work);
      const peakMb = await readPeakMb();
      const ours = spread([fade.ours.median, flow.ours.median]);
      return [
        {
          what: 'time, against what a preview may take',
          ours: `${ours.median.toFixed(2)} s`,
          baseline: `${GOAL_SECONDS} s`,
          ratio: spread([fade.ours, flow.ours].map(({ median }) => median / GOAL_SECONDS)),
          goal: { atMost: 1 },
        },
        {
          what: 'time, against a cross-fade (blend)',
          ours: `${fade.ours.median.toFixed(2)} s`,
          baseline: `${fade.bare.median.toFixed(2)} s`,
          ratio: fade.ratio,
        },
        {
          what: 'time, against motion interpolation (minterpolate)',
          ours: `${flow.ours.median.toFixed(2)} s`,
          baseline: `${flow.bare.median.toFixed(2)} s`,
          ratio: flow.ratio,
        },
        {
          what: `two clips of ${GLANCE_SECONDS} s of 3 new photos, against two of 4`,
          ours: `${chain.ours.median.toFixed(2)} s`,
          baseline: `${chain.bare.median.toFixed(2)} s`,
          ratio: chain.ratio,
        },
        {
          what: "peak memory of the engine's process",
          ours: `${peakMb.toFixed(0)} MB`,
          baseline: `${MEMORY_MB} MB`,
          ratio: spread([peakMb / MEMORY_MB]),
          goal: { atMost: 1 },
        },
      ];
    } finally {
      await morpher.stop();
    }
  },
};

/** Each photo is studied once, however many clips it is in. */
function measureChain(morpher: Morpher, work: string) {
  let photos = 0;
  const newPhoto = () => {
    photos += 1;
    return savePhoto(work, 4, `new-${photos}`, photos);
  };
  const clip = (from: string, to: string) =>
    morpher.morph({
      ...{ from, to, output: join(work, 'glance.mp4'), ...SIZE, fps: FPS },
      seconds: GLANCE_SECONDS,
    });
  const measure = async (shared: boolean) => {
    const [a, b, c] = [await newPhoto(), await newPhoto(), await newPhoto()];
    const d = shared ? b : await newPhoto();
    return timed(async () => {
      await clip(a, b);
      await clip(d, c);
    });
  };
  return measurePairs(REPETITIONS, { ours: () => measure(true), bare: () => measure(false) });
}

/** @param shift in pixels: another shift is another photo. */
async function savePhoto(
  work: string,
  group: GroupNumber,
  name = `group-${group}`,
  shift = 0,
): Promise<string> {
  const path = join(work, `${name}.jpg`);
  const large = await cutGroup(group, { width: SIZE.width + 64, height: SIZE.height + 36 })
    .png()
    .toBuffer();
  await sharp(large)
    .extract({ left: shift % 64, top: shift % 36, ...SIZE })
    .jpeg({ quality: 92 })
    .toFile(path);
  return path;
}

const CROSS_FADE = `[0:v][1:v]blend=all_expr='A+(B-A)*N/${FRAMES - 1}'`;
/** The second photo stands still for a while: the filter looks ahead. */
const MOTION_INTERPOLATION = `[0:v]trim=end_frame=1[a];[1:v]trim=end_frame=3[b];[a][b]concat=n=2,setpts=N*${SECONDS}/TB,minterpolate=fps=${FPS}:mi_mode=mci:scd=none`;

async function runFilter(
  tools: FfmpegTools,
  { from, to, output }: { from: string; to: string; output: string },
  graph: string,
): Promise<void> {
  const command = {
    inputs: [from, to].map((source) => ({
      source,
      options: ['-loop', '1', '-framerate', `${FPS}`],
    })),
    filter: `${graph},format=yuv420p[v]`,
    options: [
      ...['-map', '[v]', '-frames:v', `${FRAMES}`],
      ...encodeClipOptions(framesEncoding(FPS)),
    ],
    output,
  };
  await runFfmpeg(tools, command, { timeoutMs: TIMEOUT_MS });
}

/** The most memory that the engine has held at once, by the kernel's own mark. */
async function readPeakMb(): Promise<number> {
  const [engine] = findChildren(process.pid, 'engine-worker');
  const status = await readFile(`/proc/${engine}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1000;
}
