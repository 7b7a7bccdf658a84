import { and, eq } from 'drizzle-orm';
import { steps } from '../../db/schema.ts';
import { describeError } from '../../domain/describe-error.ts';
import { hasClip } from '../../domain/order-state.ts';
import type { ProbedClip } from '../../media/video.ts';
import { framesPerSecond, type VideoInfo, videoInfoSchema } from '../../media/video-info.ts';
import { outputKey, partsKey, resultKey } from '../keys.ts';
import { OUTPUT_EXTENSIONS } from '../outputs.ts';
import { type OrderRow, readSteps, type StepRow } from '../rows.ts';
import { stepPhotos } from '../step-material.ts';
import type { ResultMaker, ResultTools } from './result-maker.ts';
import { describeVideo, makeVideoExtras } from './video-result.ts';

/** Clips joined into one video, in their order. */
export const stitchedVideo: ResultMaker = {
  async make(tools, order, signal) {
    const { storage, video, uploadLimitBytes: maxBytes } = tools;
    const clips = await gatherClips(tools, order, signal);
    const output = storage.pathOf(resultKey(order.id));
    const loop = order.mode === 'loop' && !order.partial;
    const info = await video.stitch({ clips, output, loop, signal });
    const fits = await makeVideoExtras(tools, order.id, info.sizeBytes, signal);
    if (fits === 'fits') return;
    const directory = storage.pathOf(partsKey(order.id));
    await storage.remove(partsKey(order.id));
    await video.splitIntoParts({ clips, maxBytes, directory, baseName: 'part', signal });
  },
  describe: describeVideo,
};

/** The clips in playing order; a failed step gets one of the local engine, or a dissolve at the least. */
async function gatherClips(
  tools: ResultTools,
  order: OrderRow,
  signal: AbortSignal,
): Promise<readonly ProbedClip[]> {
  const all = await readSteps(tools.db, order.id);
  const done = all.find((step) => step.state === 'done');
  if (!done) throw new Error(`Order ${order.id} has no finished transition`);
  // A cut-down order is what was rendered before it was cancelled, and nothing else.
  for (const step of order.partial ? [] : all.filter(({ state }) => state === 'failed')) {
    await replaceStep(tools, step, videoInfoSchema.parse(done.outputInfo), signal);
  }
  const finished = await readSteps(tools.db, order.id);
  return finished.flatMap(({ state, outputKey: key, outputInfo }) =>
    key && hasClip(state)
      ? [{ path: tools.storage.pathOf(key), info: videoInfoSchema.parse(outputInfo) }]
      : [],
  );
}

async function replaceStep(
  tools: ResultTools,
  step: StepRow,
  matching: VideoInfo,
  signal: AbortSignal,
): Promise<void> {
  const [from, to] = (await stepPhotos(tools, step)) ?? [];
  if (!from || !to) throw new Error(`The pictures of step ${step.id} are gone`);
  const key = outputKey(step.orderId, step.position, OUTPUT_EXTENSIONS.video);
  const job = {
    ...{ from, to },
    output: tools.storage.pathOf(key),
    seconds: matching.durationSeconds,
    fps: framesPerSecond(matching.fps),
    width: matching.width,
    height: matching.height,
    signal,
  };
  const morphed = await tools.morpher.morph(job).catch((error: unknown) => {
    signal.throwIfAborted();
    const { orderId } = step;
    tools.log.warn({ orderId, ...describeError(error) }, 'the local engine could not stand in');
    return undefined;
  });
  const outputInfo = morphed?.info ?? (await tools.video.dissolve({ ...job, matching }));
  await tools.db
    .update(steps)
    .set({ state: 'replaced', outputKey: key, outputInfo })
    .where(and(eq(steps.id, step.id), eq(steps.state, 'failed')));
}
