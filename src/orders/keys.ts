import { createHash } from 'node:crypto';

/** Where the files of an order live in storage; deleting the prefix deletes all of them. */
export const orderPrefix = (orderId: string) => `orders/${orderId}`;

/** The file of a photo as it came. */
export const originalKey = (orderId: string, photoId: number) =>
  `${orderPrefix(orderId)}/originals/${photoId}`;

/** The pictures of an archive, and one of them by its position. */
export const entriesKey = (orderId: string, photoId: number) =>
  `${orderPrefix(orderId)}/originals/${photoId}-entries`;
export const entryKey = (orderId: string, photoId: number, position: number) =>
  `${entriesKey(orderId, photoId)}/${position}`;

/** A photo on the canvas; the size is part of the key, so another canvas is another file. */
export const canvasKey = (orderId: string, photoId: number, width: number, height: number) =>
  `${orderPrefix(orderId)}/canvas-${width}x${height}/${photoId}.jpg`;

/** Contact sheets of a quote; other photos are other sheets, since the ones before may be on their way. */
export function sheetKey(orderId: string, photos: readonly { readonly id: number }[]): string {
  const ids = photos.map(({ id }) => id).join();
  const digest = createHash('sha256').update(ids).digest('hex').slice(0, 16);
  return `${orderPrefix(orderId)}/sheets/${digest}.jpg`;
}

/** A photo in its own shape, upright. */
export const uprightKey = (orderId: string, photoId: number) =>
  `${orderPrefix(orderId)}/upright/${photoId}.jpg`;

/** All photos of an order in one ZIP. */
export const archiveKey = (orderId: string) => `${orderPrefix(orderId)}/photos.zip`;

/** A recording as it came, and as models read it. */
export const recordingKey = (orderId: string, recordingId: number) =>
  `${orderPrefix(orderId)}/recordings/${recordingId}`;
export const recordingInputKey = (orderId: string, recordingId: number) =>
  `${recordingKey(orderId, recordingId)}.mp3`;

/** The output of a step. */
export const outputKey = (orderId: string, position: number, extension: string) =>
  `${orderPrefix(orderId)}/outputs/${position}.${extension}`;

/** A finished result, by the name of its file. */
export const resultFileKey = (orderId: string, name: string) =>
  `${orderPrefix(orderId)}/result/${name}`;

/** The finished video and what is made of it for sending. */
export const resultKey = (orderId: string) => `${orderPrefix(orderId)}/result/video.mp4`;
export const previewKey = (orderId: string) => `${orderPrefix(orderId)}/result/preview.mp4`;
export const thumbnailKey = (orderId: string) => `${orderPrefix(orderId)}/result/thumbnail.jpg`;
export const partsKey = (orderId: string) => `${orderPrefix(orderId)}/result/parts`;

/** The files of a free preview, which are deleted once it is sent. */
export const freePreviewPrefix = (orderId: string, previewId: string) =>
  `${orderPrefix(orderId)}/previews/${previewId}`;

/** The idempotency keys of an order's money. */
export const chargeKey = (orderId: string) => `charge:${orderId}`;
export const stepRefundKey = (stepId: number) => `refund:step:${stepId}`;
