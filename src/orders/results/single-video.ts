import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { partsKey, resultKey } from '../keys.ts';
import { readSteps } from '../rows.ts';
import { finishedOutputs, type ResultMaker } from './result-maker.ts';
import { describeVideo, makeVideoExtras } from './video-result.ts';

/** The one clip of an order, untouched. */
export const singleVideo: ResultMaker = {
  async make(tools, order, signal) {
    const { storage, video } = tools;
    const [clip] = finishedOutputs(await readSteps(tools.db, order.id));
    if (!clip) throw new Error(`Order ${order.id} has no finished clip`);
    await storage.write(resultKey(order.id), createReadStream(storage.pathOf(clip.outputKey)));
    const { sizeBytes } = await video.probe(storage.pathOf(resultKey(order.id)), signal);
    const fits = await makeVideoExtras(tools, order.id, sizeBytes, signal);
    if (fits === 'fits') return;
    // One clip has no places to be cut at: its smaller copy is all that a chat can take.
    const parts = storage.pathOf(partsKey(order.id));
    await rm(parts, { recursive: true, force: true });
    await mkdir(parts, { recursive: true });
  },
  describe: describeVideo,
};
