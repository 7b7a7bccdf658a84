import { readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { steps } from '../../src/db/schema.ts';
import { locateFfmpeg } from '../../src/media/ffmpeg.ts';
import { createVideo } from '../../src/media/video.ts';
import { RENDER_TIMING } from '../../src/orders/render-timing.ts';
import { startOrdersRig } from '../support/orders-rig.ts';
import { makeClip, useDirectory } from '../support/pictures.ts';
import { type Bench, spread, timed } from './measure.ts';
import { seededRandom } from './seeded-random.ts';

const REPETITIONS = 3;
const PHOTOS = 100;
const CONCURRENCY = 16;
/** A hundredth of what a real model takes. In milliseconds. */
const SHORTEST_MS = 2_000;
const LONGEST_MS = 4_000;
const GOAL = 1.1;
const GIVE_UP_MS = 120_000;

/** The whole orders room over HTTP; the provider answers from memory, so that only we are measured. */
export const makespan: Bench = {
  name: 'makespan',
  about: `A loop of ${PHOTOS} photos, ${CONCURRENCY} predictions at once of 2 to 4 s, from confirm to the last clip`,
  async run() {
    const random = seededRandom(1);
    const durationsMs = Array.from(
      { length: PHOTOS },
      () => SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS),
    );
    const clip = await renderClip();
    const runs: { readonly rendered: number; readonly delivered: number }[] = [];
    for (let run = 0; run < REPETITIONS; run += 1) runs.push(await orderOnce(durationsMs, clip));

    const ideal = greedyScheduleMs(durationsMs, CONCURRENCY) / 1000;
    const oneByOne = durationsMs.reduce((sum, ms) => sum + ms, 0) / 1000;
    const rendered = spread(runs.map((run) => run.rendered));
    const delivered = spread(runs.map((run) => run.delivered));
    const times = (factor: number) => spread(runs.map((run) => run.rendered * factor));
    return [
      {
        what: 'last clip, against the ideal schedule',
        ours: `${rendered.median.toFixed(2)} s`,
        baseline: `${ideal.toFixed(2)} s`,
        ratio: times(1 / ideal),
        goal: { atMost: GOAL },
      },
      {
        what: 'delivered, against the ideal schedule',
        ours: `${delivered.median.toFixed(2)} s`,
        baseline: `${ideal.toFixed(2)} s`,
        ratio: spread(runs.map((run) => run.delivered / ideal)),
      },
      {
        what: 'last clip, against one after another',
        ours: `${rendered.median.toFixed(2)} s`,
        baseline: `${oneByOne.toFixed(2)} s`,
        ratio: times(1 / oneByOne),
      },
    ];
  },
};

async function orderOnce(durationsMs: readonly number[], clip: Buffer) {
  const rig = await startOrdersRig({
    ...{ concurrency: CONCURRENCY, timing: RENDER_TIMING },
    createVideo,
  });
  try {
    let accepted = 0;
    rig.replicate.script(() => {
      const delayMs = durationsMs[accepted];
      accepted += 1;
      return { output: clip, ...(delayMs === undefined ? {} : { delayMs }) };
    });
    const personId = await rig.person(10_000_000);
    const orderId = await rig.photos(personId, PHOTOS);
    await rig.orders.quote(orderId, personId);
    const mode = 'loop';
    const chosen = await rig.orders.choose(orderId, personId, { mode });
    if (chosen.kind !== 'chosen') throw new Error(`Not chosen: ${chosen.kind}`);
    const shown = { mode, price: chosen.option.price } as const;
    const start = Date.now();
    const delivered = await timed(async () => {
      const { kind } = await rig.orders.confirm(orderId, personId, shown);
      if (kind !== 'queued') throw new Error(`Not confirmed: ${kind}`);
      while ((await rig.orders.find(orderId, personId))?.state !== 'delivered') {
        if (Date.now() - start > GIVE_UP_MS) throw new Error('The order was not delivered');
        await sleep(100);
      }
    });
    const rows = await rig.database.db.select().from(steps).where(eq(steps.orderId, orderId));
    if (rows.some((row) => row.state !== 'done') || accepted !== PHOTOS) {
      throw new Error('Not every transition was rendered at its first attempt');
    }
    const { peak } = rig.replicate.running;
    if (peak > CONCURRENCY) throw new Error(`${peak} predictions ran at once`);
    const last = Math.max(...rows.map((row) => row.endedAt?.getTime() ?? Number.NaN));
    return { rendered: (last - start) / 1000, delivered };
  } finally {
    await rig.close();
  }
}

/** List scheduling: each place takes the next task the moment it is free. */
function greedyScheduleMs(durationsMs: readonly number[], places: number): number {
  const freeAt = Array.from({ length: places }, () => 0);
  for (const duration of durationsMs) {
    const next = freeAt.indexOf(Math.min(...freeAt));
    freeAt[next] = (freeAt[next] ?? 0) + duration;
  }
  return Math.max(...freeAt);
}

async function renderClip(): Promise<Buffer> {
  await using directory = await useDirectory();
  const path = await makeClip(await locateFfmpeg(), directory.path, { frames: 121 });
  const bytes = await readFile(path);
  await rm(path);
  return bytes;
}
