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

/** The clip of a step. */
export const clipKey = (orderId: string, position: number) =>
  `${orderPrefix(orderId)}/clips/${position}.mp4`;

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
