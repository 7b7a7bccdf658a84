import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResultVideo } from '../chat-port.ts';
import { partsKey, previewKey, resultKey, thumbnailKey } from '../keys.ts';
import type { OrderRow } from '../rows.ts';
import type { ResultBody, ResultTools } from './result-maker.ts';

/** The picture of a video before it plays, and a smaller copy where the chat does not take the original. */
export async function makeVideoExtras(
  { storage, video, uploadLimitBytes }: ResultTools,
  orderId: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<'fits' | 'too_big'> {
  const input = storage.pathOf(resultKey(orderId));
  await video.makeThumbnail({ input, output: storage.pathOf(thumbnailKey(orderId)), signal });
  if (sizeBytes <= uploadLimitBytes) return 'fits';
  await video.makePreview({
    input,
    output: storage.pathOf(previewKey(orderId)),
    maxBytes: uploadLimitBytes,
    signal,
  });
  return 'too_big';
}

/** A finished video as it is sent: playing in the chat, and as the untouched original or its parts. */
export async function describeVideo(
  tools: ResultTools,
  order: OrderRow,
  signal: AbortSignal,
): Promise<ResultBody<ResultVideo> | undefined> {
  const { storage, video } = tools;
  if (!(await storage.exists(resultKey(order.id)))) return undefined;
  const path = storage.pathOf(resultKey(order.id));
  const info = await video.probe(path, signal);
  const preview = await describePreview(tools, order.id, signal);
  return {
    kind: 'video',
    path,
    sizeBytes: info.sizeBytes,
    width: info.width,
    height: info.height,
    durationSeconds: info.durationSeconds,
    thumbnailPath: storage.pathOf(thumbnailKey(order.id)),
    preview: preview ?? { path, width: info.width, height: info.height },
    documents: preview ? await listParts(tools, order.id) : [path],
  };
}

async function describePreview(
  { storage, video }: ResultTools,
  orderId: string,
  signal: AbortSignal,
) {
  if (!(await storage.exists(previewKey(orderId)))) return undefined;
  const path = storage.pathOf(previewKey(orderId));
  const { width, height } = await video.probe(path, signal);
  return { path, width, height };
}

async function listParts({ storage }: ResultTools, orderId: string): Promise<string[]> {
  const directory = storage.pathOf(partsKey(orderId));
  return (await readdir(directory)).sort().map((name) => join(directory, name));
}
