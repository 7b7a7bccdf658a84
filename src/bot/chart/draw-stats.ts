import { fileURLToPath } from 'node:url';
import { Resvg } from '@resvg/resvg-js';
import { drawPanel, isEmpty } from './draw-panel.ts';
import { CARD, FONT, INK, MUTED, PAPER, TONES } from './look.ts';
import type { Panel, StatsPicture, Tile } from './picture.ts';

/** Telegram shows pictures of up to 1280 pixels as they are. */
const WIDTH = 1080;
const HEIGHT = 1280;
const MARGIN = 36;
const GAP = 20;
const INNER = WIDTH - 2 * MARGIN;

const HEADING_HEIGHT = 114;
const TILE_COLUMNS = 3;
const TILE_HEIGHT = 112;
const TILE_WIDTH = (INNER - (TILE_COLUMNS - 1) * GAP) / TILE_COLUMNS;
const PANEL_HEADING = 54;

/** Draws the picture as a PNG of 1080 × 1280 pixels; takes half a second of a processor. */
export function drawStats(picture: StatsPicture): Uint8Array {
  const svg = toSvg(picture);
  const font = (name: string) =>
    fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
  const drawn = new Resvg(svg, {
    font: {
      loadSystemFonts: false,
      fontFiles: [font('DejaVuSans'), font('DejaVuSans-Bold')],
      defaultFontFamily: FONT,
    },
  });
  return drawn.render().asPng();
}

function toSvg({ title, subtitle, tiles, panels, locale }: StatsPicture): string {
  const rows = Math.ceil(tiles.length / TILE_COLUMNS);
  const panelsTop = MARGIN + HEADING_HEIGHT + rows * (TILE_HEIGHT + GAP);
  const cards = stackCards(panels, panelsTop);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="${FONT}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${PAPER}"/>`,
    text(title, { x: MARGIN, y: MARGIN + 46, size: 46, bold: true }),
    text(subtitle, { x: MARGIN, y: MARGIN + 94, size: 28, color: MUTED }),
    ...tiles.map((tile, index) => drawTile(tile, index)),
    ...cards.map(({ panel, y, height }) => drawCard(panel, y, height, locale)),
    '</svg>',
  ].join('\n');
}

interface Card {
  readonly panel: Panel;
  readonly y: number;
  readonly height: number;
}

/** The panels below each other down to the margin. */
function stackCards(panels: readonly Panel[], top: number): Card[] {
  const room = HEIGHT - MARGIN - top - (panels.length - 1) * GAP;
  const shares = panels.map(shareOf);
  const all = shares.reduce((sum, share) => sum + share, 0);
  let y = top;
  return panels.map((panel, index) => {
    const height = (room * (shares[index] ?? 0)) / all;
    const card = { panel, y, height };
    y += height + GAP;
    return card;
  });
}

/** A single series has no legend. */
function shareOf(panel: Panel): number {
  return panel.kind === 'time' && panel.series.length === 1 ? 0.75 : 1;
}

function drawTile({ label, value, tone }: Tile, index: number): string {
  const x = MARGIN + (index % TILE_COLUMNS) * (TILE_WIDTH + GAP);
  const y = MARGIN + HEADING_HEIGHT + Math.floor(index / TILE_COLUMNS) * (TILE_HEIGHT + GAP);
  const size = value.length > 11 ? 34 : 44;
  return [
    card(x, y, TILE_WIDTH, TILE_HEIGHT),
    text(label, { x: x + 24, y: y + 40, size: 25, color: MUTED }),
    text(value, { x: x + 24, y: y + 92, size, bold: true, color: tone ? TONES[tone] : INK }),
  ].join('\n');
}

function drawCard(panel: Panel, y: number, height: number, locale: StatsPicture['locale']): string {
  const size = { width: INNER - 24, height: height - PANEL_HEADING - 14 };
  const nothing = text(panel.nothing, {
    x: WIDTH / 2,
    y: y + PANEL_HEADING + size.height / 2 - 24,
    size: 30,
    color: MUTED,
    centred: true,
  });
  const place = `<svg x="${MARGIN + 12}" y="${y + PANEL_HEADING}" `;
  const drawn = isEmpty(panel) ? nothing : drawPanel(panel, size, locale).replace('<svg ', place);
  return [
    card(MARGIN, y, INNER, height),
    text(panel.title, { x: MARGIN + 24, y: y + 44, size: 30, bold: true }),
    drawn,
  ].join('\n');
}

function card(x: number, y: number, width: number, height: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="20" fill="${CARD}"/>`;
}

function text(
  words: string,
  look: {
    readonly x: number;
    readonly y: number;
    readonly size: number;
    readonly bold?: boolean;
    readonly color?: string;
    readonly centred?: boolean;
  },
): string {
  const { x, y, size, bold = false, color = INK, centred = false } = look;
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return (
    `<text x="${x}" y="${y}" font-size="${size}" fill="${color}"` +
    `${bold ? ' font-weight="700"' : ''}${centred ? ' text-anchor="middle"' : ''}>${safe}</text>`
  );
}
