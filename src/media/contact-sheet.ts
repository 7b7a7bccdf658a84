import { join, parse } from 'node:path';
import sharp from 'sharp';
import type { PictureSize } from '../domain/canvas.ts';
import { drawNumber } from './digits.ts';
import type { PictureReader } from './picture.ts';
import { writeWhole } from './storage.ts';

/** So many still fit on one sheet with their numbers readable on a phone. */
const MAX_SINGLE_SHEET = 29;
const MAX_PER_SHEET = 25;
/** Telegram scales photos down to this side: https://core.telegram.org/api/files. In pixels. */
const MAX_SIDE = 2560;
const MAX_TILE_SIDE = 900;
/** The Bot API takes photos up to 10 MB; half of it is quick to load. */
const MAX_BYTES = 5_000_000;

const BACKGROUND = '#14161b';
/** Shares of a tile's shorter side. */
const GUTTER = 0.05;
const CORNER = 0.06;
const BADGE_HEIGHT = 0.19;
/** A sheet of this shape fills a phone held upright and a desktop chat alike. */
const SHEET_RATIO = 1;

export interface SheetPhoto {
  readonly path: string;
  /** The number in its badge: digits only. */
  readonly label: string;
}

export interface SheetJob {
  readonly photos: readonly SheetPhoto[];
  readonly output: string;
}

interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly tile: PictureSize;
  readonly gutter: number;
}

/** Draws the sheets and writes them; see `Photos.contactSheet`. */
export async function drawContactSheets(
  reader: PictureReader,
  { photos, output }: SheetJob,
): Promise<string[]> {
  if (photos.length === 0) throw new RangeError('A contact sheet shows at least one photo');
  const sheets = photos.length <= MAX_SINGLE_SHEET ? 1 : Math.ceil(photos.length / MAX_PER_SHEET);
  const perSheet = Math.ceil(photos.length / sheets);
  const sizes = await Promise.all(photos.map((photo) => reader.readSize(photo.path)));
  const grid = layOut(perSheet, tileRatio(sizes));
  const { dir, name, ext } = parse(output);
  const paths: string[] = [];
  for (let sheet = 0; sheet < sheets; sheet += 1) {
    const path = sheets === 1 ? output : join(dir, `${name}-${sheet + 1}${ext}`);
    const shown = photos.slice(sheet * perSheet, (sheet + 1) * perSheet);
    await writeWhole(path, await drawSheet(reader, shown, grid));
    paths.push(path);
  }
  return paths;
}

async function drawSheet(
  reader: PictureReader,
  photos: readonly SheetPhoto[],
  grid: Grid,
): Promise<Buffer> {
  const { columns, tile, gutter } = grid;
  const rows = Math.ceil(photos.length / columns);
  // A last row that is not full stands in the middle.
  const lastRow = photos.length - (rows - 1) * columns;
  const indent = (index: number) => (index < photos.length - lastRow ? 0 : (columns - lastRow) / 2);
  const { data, info: raw } = await sharp({
    create: {
      width: gutter + columns * (tile.width + gutter),
      height: gutter + rows * (tile.height + gutter),
      channels: 3,
      background: BACKGROUND,
    },
  })
    .composite(
      await Promise.all(
        photos.map(async (photo, index) => ({
          input: await drawTile(reader, photo, tile),
          raw: { ...tile, channels: 4 as const },
          left: gutter + Math.round(((index % columns) + indent(index)) * (tile.width + gutter)),
          top: gutter + Math.floor(index / columns) * (tile.height + gutter),
        })),
      ),
    )
    .raw()
    .toBuffer({ resolveWithObject: true });
  let jpeg = Buffer.alloc(0);
  for (let quality = 88; quality >= 40; quality -= 12) {
    jpeg = await sharp(data, { raw }).jpeg({ quality }).toBuffer();
    if (jpeg.length < MAX_BYTES) break;
  }
  return jpeg;
}

async function drawTile(
  reader: PictureReader,
  photo: SheetPhoto,
  tile: PictureSize,
): Promise<Buffer> {
  const { data, ...raw } = await reader.renderOnCanvas(photo.path, tile);
  const short = Math.min(tile.width, tile.height);
  const frame = `width="${tile.width}" height="${tile.height}" rx="${short * CORNER}"`;
  const mask = `<svg ${sizeOf(tile)}><rect ${frame} fill="#fff"/></svg>`;
  return sharp(data, { raw: { ...raw, channels: 3 } })
    .ensureAlpha()
    .composite([
      { input: Buffer.from(drawBadge(photo.label, tile)) },
      { input: Buffer.from(mask), blend: 'dest-in' },
    ])
    .raw()
    .toBuffer();
}

/** A dark pill with a light rim: readable on snow and on night sky. */
function drawBadge(label: string, tile: PictureSize): string {
  const short = Math.min(tile.width, tile.height);
  const height = short * BADGE_HEIGHT;
  const number = drawNumber(label, height * 0.5);
  const width = Math.max(height, number.width + height * 0.66);
  const inset = short * 0.045;
  const x = (width - number.width) / 2;
  const y = height * 0.25;
  return [
    `<svg ${sizeOf(tile)}><g transform="translate(${inset} ${inset})">`,
    `<rect width="${width}" height="${height}" rx="${height / 2}" fill="#0b0d12" fill-opacity="0.78"`,
    ` stroke="#fff" stroke-opacity="0.85" stroke-width="${height * 0.045}"/>`,
    `<g transform="translate(${x} ${y})">${number.svg}</g></g></svg>`,
  ].join('');
}

/** The number of columns that comes nearest to the wanted shape and leaves few places empty. */
function layOut(count: number, ratio: number): Grid {
  const cost = (columns: number) => {
    const rows = Math.ceil(count / columns);
    const shape = Math.abs(Math.log((columns * ratio) / rows / SHEET_RATIO));
    return shape + (columns * rows - count) / count;
  };
  const columns = Array.from({ length: count }, (_, index) => index + 1).reduce(
    (best, candidate) => (cost(candidate) < cost(best) ? candidate : best),
  );
  const rows = Math.ceil(count / columns);
  // In units of a tile's shorter side.
  const width = Math.max(1, ratio);
  const height = Math.max(1, 1 / ratio);
  const short = Math.min(
    MAX_SIDE / (columns * width + (columns + 1) * GUTTER),
    MAX_SIDE / (rows * height + (rows + 1) * GUTTER),
    MAX_TILE_SIDE / Math.max(width, height),
  );
  return {
    columns,
    rows,
    tile: { width: Math.floor(short * width), height: Math.floor(short * height) },
    gutter: Math.floor(short * GUTTER),
  };
}

/** The middle shape of all photos; on one canvas, it is the canvas's, and nothing of them is cut. */
function tileRatio(sizes: readonly PictureSize[]): number {
  const logs = sizes.map(({ width, height }) => Math.log(width / height));
  const mean = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  return Math.min(16 / 9, Math.max(9 / 16, mean));
}

function sizeOf({ width, height }: PictureSize): string {
  return `xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`;
}
