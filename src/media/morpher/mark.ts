import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { PlaneSize } from './plane.ts';

/** Shares of the clip's shorter side. */
const TEXT_HEIGHT = 0.032;
const MARGIN = 0.025;
/** Of the text's height. */
const PADDING_X = 0.75;
const PADDING_Y = 0.5;
const CORNER = 0.55;

const PLATE = { colour: '#0b0d12', opacity: 0.5 };
const TEXT_COLOUR = '#ffffff';

/**
 * A word in white on a translucent dark plate, as a PNG that belongs into the lower right corner of a clip:
 * its margin is part of it. The font is ours, for a machine may have none. Both sides are even.
 */
export async function drawMark(word: string, clip: PlaneSize): Promise<Buffer> {
  const short = Math.min(clip.width, clip.height);
  const textHeight = Math.max(8, Math.round(short * TEXT_HEIGHT));
  const margin = Math.round(short * MARGIN);
  const text = await drawText(word, textHeight);
  const plate = {
    width: text.width + 2 * Math.round(textHeight * PADDING_X),
    height: text.height + 2 * Math.round(textHeight * PADDING_Y),
  };
  const width = even(plate.width + margin);
  const height = even(plate.height + margin);
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`,
    `<rect width="${plate.width}" height="${plate.height}" rx="${textHeight * CORNER}"`,
    ` fill="${PLATE.colour}" fill-opacity="${PLATE.opacity}"/></svg>`,
  ].join('');
  return sharp(Buffer.from(svg))
    .composite([
      {
        input: text.png,
        left: Math.round((plate.width - text.width) / 2),
        top: Math.round((plate.height - text.height) / 2),
      },
    ])
    .png()
    .toBuffer();
}

async function drawText(word: string, height: number) {
  const fontfile = fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'));
  // Pango reads markup: only what is known to be harmless is left as it is.
  const escaped = word.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const { data, info } = await sharp({
    text: {
      text: `<span foreground="${TEXT_COLOUR}">${escaped}</span>`,
      ...{ font: 'DejaVu Sans Bold', fontfile, rgba: true, dpi: 4 * height * 10 },
    },
  })
    .resize({ height })
    .png()
    .toBuffer({ resolveWithObject: true });
  return { png: data, width: info.width, height: info.height };
}

function even(length: number): number {
  return 2 * Math.ceil(length / 2);
}
