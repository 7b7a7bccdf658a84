/**
 * The ten digits as strokes in a box of 60 × 100 units, to be drawn with a round pen: a machine may have no
 * font at all, and a text in an SVG would come out empty there.
 */
const STROKES: Readonly<Record<string, string>> = {
  0: 'M30 8C12 8 8 28 8 50S12 92 30 92 52 72 52 50 48 8 30 8Z',
  1: 'M14 24L34 9V91',
  2: 'M9 30C9 16 18 8 30 8S51 16 51 29C51 44 36 52 10 91H52',
  3: 'M10 22C14 13 21 8 30 8 42 8 50 16 50 27S42 46 28 46C43 46 52 54 52 68S42 92 29 92C19 92 12 87 8 78',
  4: 'M40 92V9L7 68H54',
  5: 'M48 9H17L13 47C18 42 24 40 31 40 44 40 52 50 52 65S43 92 29 92C19 92 12 88 8 80',
  6: 'M45 14C41 10 36 8 31 8 16 8 8 26 8 54 8 80 16 92 31 92 44 92 52 82 52 67S44 42 31 42C19 42 9 50 8 62',
  7: 'M8 9H52C38 34 28 60 24 92',
  8: 'M30 46C18 46 11 38 11 27S18 8 30 8 49 16 49 27 42 46 30 46 8 55 8 69 17 92 30 92 52 83 52 69 42 46 30 46Z',
  9: 'M15 86C19 90 24 92 29 92 44 92 52 74 52 46 52 20 44 8 29 8 16 8 8 18 8 33S16 58 29 58C41 58 51 50 52 38',
};

const WIDTH = 60;
const HEIGHT = 100;
const PEN = 15;
const SPACING = 20;

/** A number as SVG, `height` pixels tall with its top left corner at (0, 0), in white, and its width. */
export function drawNumber(digits: string, height: number): { svg: string; width: number } {
  const glyphs = [...digits].flatMap((digit) => STROKES[digit] ?? []);
  const scale = height / (HEIGHT + PEN / 2);
  const strokes = glyphs.map(
    (path, index) => `<path d="${path}" transform="translate(${index * (WIDTH + SPACING)} 0)"/>`,
  );
  const pen = `fill="none" stroke="#fff" stroke-width="${PEN}" stroke-linecap="round" stroke-linejoin="round"`;
  return {
    svg: `<g transform="scale(${scale})" ${pen}>${strokes.join('')}</g>`,
    width: Math.max(0, glyphs.length * (WIDTH + SPACING) - SPACING) * scale,
  };
}
