/** What Telegram's clients make of a photo before they send it. */
const maxSide = 1280;
const quality = 0.87;

/** A photo ready to be sent. */
export interface CompressedPhoto {
  readonly blob: Blob;
  readonly width: number;
  readonly height: number;
}

/**
 * Scales a picture to at most 1280 pixels a side, upright, as JPEG.
 * @throws {Error} when the browser cannot open it
 */
export async function compressPhoto(file: Blob): Promise<CompressedPhoto> {
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
  const scale = Math.min(1, maxSide / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  if (pen === null) throw new Error('the browser cannot draw');
  // JPEG has no transparency, and black is no paper.
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(picture, 0, 0, width, height);
  picture.close();
  const blob = await new Promise<Blob | null>((resolve) =>
    canvas.toBlob(resolve, 'image/jpeg', quality),
  );
  if (blob === null) throw new Error('the picture cannot be made a JPEG');
  return { blob, width, height };
}

/** Whether a file calls itself a picture that a browser can open. */
export function looksLikePhoto({ type }: { readonly type: string }): boolean {
  return /^image\/(jpeg|png|webp|gif|bmp|avif)$/.test(type);
}
