import { execFile } from 'node:child_process';
import { link, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type FfmpegTools, locateFfmpeg, probe } from '../../src/media/ffmpeg.ts';
import { concatCopy, concatList } from '../../src/media/video-commands.ts';
import { makeClip, useDirectory } from '../support/pictures.ts';
import { type Bench, measurePairs, spread, timed } from './measure.ts';
import { runChild } from './run-child.ts';

const run = promisify(execFile);

const REPETITIONS = 5;
const CLIPS = 99;
const FEW_CLIPS = 25;
/** Of those that are really encoded; the others are the same bytes under another name. */
const DIFFERENT_CLIPS = 3;
const GOAL = 1.15;
const FLAT = 1.1;

const childReport = z.object({ seconds: z.number(), maxRssMb: z.number() });

/** Clips as large as a real model's: 5 s of 720p at 8 Mbit/s, about 5 MB each. */
export const stitch: Bench = {
  name: 'stitch',
  about: `Joining and verifying ${CLIPS} clips of 5 MB, against the bare ffmpeg command`,
  async run() {
    await using directory = await useDirectory();
    const tools = await locateFfmpeg();
    const clips = await makeClips(tools, directory.path);
    const output = join(directory.path, 'joined.mp4');
    const list = join(directory.path, 'clips.txt');
    const info = await probe(tools, clips[0] ?? '');
    await writeFile(
      list,
      concatList(
        clips.map((path) => ({ path, info })),
        true,
      ),
    );

    const memory = { few: [] as number[], all: [] as number[] };
    const stitchOurs = async (some: readonly string[], into: number[]) => {
      await rm(output, { force: true });
      const report = childReport.parse(await runChild('stitch-child.ts', [output, ...some]));
      into.push(report.maxRssMb);
      return report.seconds;
    };
    const pairs = await measurePairs(REPETITIONS, {
      ours: () => stitchOurs(clips, memory.all),
      bare: async () => {
        await rm(output, { force: true });
        return timed(() => concatBare(tools, list, output, info.timeBase.denominator));
      },
    });
    for (let time = 0; time < REPETITIONS; time += 1) {
      await stitchOurs(clips.slice(0, FEW_CLIPS), memory.few);
    }
    const few = spread(memory.few);
    const all = spread(memory.all);
    return [
      {
        what: 'time',
        ours: `${pairs.ours.median.toFixed(2)} s`,
        baseline: `${pairs.bare.median.toFixed(2)} s`,
        ratio: pairs.ratio,
        goal: { atMost: GOAL },
      },
      {
        what: `memory of our process, ${CLIPS} clips to ${FEW_CLIPS}`,
        ours: `${all.median.toFixed(0)} MB`,
        baseline: `${few.median.toFixed(0)} MB`,
        ratio: spread(memory.all.map((mb) => mb / few.median)),
        goal: { atMost: FLAT },
      },
    ];
  },
};

async function makeClips(tools: FfmpegTools, directory: string): Promise<string[]> {
  const originals: string[] = [];
  for (let seed = 0; seed < DIFFERENT_CLIPS; seed += 1) {
    const rate = ['-preset', 'ultrafast', '-b:v', '8M', '-maxrate', '8M', '-bufsize', '8M'];
    const grain = ['-vf', 'noise=alls=18:allf=t'];
    const options = [...grain, ...rate];
    originals.push(
      await makeClip(tools, directory, { frames: 121, size: '1280x720', seed, options }),
    );
  }
  const clips = Array.from({ length: CLIPS }, (_, index) => join(directory, `clip-${index}.mp4`));
  for (const [index, clip] of clips.entries()) {
    await link(originals[index % originals.length] ?? '', clip);
  }
  return clips;
}

async function concatBare(tools: FfmpegTools, list: string, output: string, timescale: number) {
  const { inputs, options } = concatCopy({ list, output, keepAudio: false, timescale });
  const input = inputs.flatMap((one) => [...one.options, '-i', `${one.source}`]);
  const quiet = ['-hide_banner', '-nostats', '-loglevel', 'warning'];
  await run(tools.ffmpegPath, ['-y', ...quiet, ...input, ...options, output]);
}
