import sharp from 'sharp';

export interface PictureOptions {
  readonly width?: number;
  readonly height?: number;
  /** Another seed is another picture. */
  readonly seed?: number;
}

/** A picture with a sky, a ground and a sun, so that top, bottom and sides can be told apart. */
export function drawPicture({ width = 640, height = 480, seed = 1 }: PictureOptions = {}) {
  const hue = (seed * 67) % 360;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="hsl(${hue} 70% 45%)"/>
      <stop offset="1" stop-color="hsl(${(hue + 50) % 360} 80% 75%)"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#sky)"/>
    <circle cx="${width * (0.25 + ((seed * 0.17) % 0.5))}" cy="${height * 0.3}" r="${Math.min(width, height) * 0.13}" fill="#fff4c2"/>
    <path d="M0 ${height * 0.7} Q ${width * 0.3} ${height * 0.5} ${width * 0.55} ${height * 0.72} T ${width} ${height * 0.62} V ${height} H 0 Z" fill="hsl(${(hue + 150) % 360} 45% 30%)"/>
    <path d="M0 ${height * 0.86} Q ${width * 0.5} ${height * 0.7} ${width} ${height * 0.9} V ${height} H 0 Z" fill="hsl(${(hue + 170) % 360} 50% 20%)"/>
  </svg>`;
  return sharp(Buffer.from(svg)).flatten();
}

/** `drawPicture` as a JPEG. */
export function makeJpeg(options: PictureOptions = {}): Promise<Buffer> {
  return drawPicture(options).jpeg({ quality: 85 }).toBuffer();
}

/** A JPEG of coloured quarters: red, green / blue, white; with an EXIF orientation and a place in it. */
export function makeOrientedJpeg(orientation: number, width = 640, height = 480): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="50%" height="50%" fill="#f00"/><rect x="50%" width="50%" height="50%" fill="#0f0"/>
    <rect y="50%" width="50%" height="50%" fill="#00f"/>
    <rect x="50%" y="50%" width="50%" height="50%" fill="#fff"/></svg>`;
  return sharp(Buffer.from(svg))
    .flatten()
    .withExif({
      IFD0: { Copyright: 'someone' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '59/1 56/1 0/1' },
    })
    .withMetadata({ orientation })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
}
