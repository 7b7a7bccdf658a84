import type { Region } from './canvas.ts';

/** What was seen when a photo was brought to its canvas; nothing of it is ever shown as a number. */
export interface PhotoLook {
  /** Largest first; null when nobody looked for them. */
  readonly faces: readonly Region[] | null;
  /** How much detail its sharpest part has: the variance of the Laplacian of its luma (0–255), on a small copy. */
  readonly sharpness: number;
  /** Mean luma, 0–255. */
  readonly brightness: number;
  /** A tiny copy to compare photos by: `THUMB_SIDE`² RGB pixels, base64. */
  readonly thumb: string;
}

export const THUMB_SIDE = 12;

/**
 * Under this even the sharpest part of a photo is soft: sharp ones have hundreds, the same ones blurred by
 * half a percent of their width under thirty.
 */
const BLURRED_BELOW = 30;
/** Under this faces are hard to make out; there is too little light then to speak of sharpness. */
const DARK_BELOW = 30;
/** Photos whose tiny copies differ by less than this, of 255 on average, look the same. */
const SAME_BELOW = 2.5;

/** Something about the photos that may disappoint; positions count from 0. Nobody is kept from anything. */
export type PhotoWarning =
  | {
      readonly kind: 'no_face' | 'several_faces' | 'blurred' | 'dark';
      readonly photos: readonly number[];
    }
  /** Each group looks the same. */
  | { readonly kind: 'same'; readonly groups: readonly (readonly number[])[] }
  /** Not one photo has a face: perhaps meant so. */
  | { readonly kind: 'no_face_at_all' };

/** What is worth a second look before anybody pays, by how the photos look in their order. */
export function warnAbout(looks: readonly PhotoLook[]): PhotoWarning[] {
  const where = (holds: (look: PhotoLook) => boolean) =>
    looks.flatMap((look, position) => (holds(look) ? [position] : []));
  const faceless = where(({ faces }) => faces?.length === 0);
  const warnings: PhotoWarning[] = [
    ...(faceless.length === looks.length
      ? [{ kind: 'no_face_at_all' } as const]
      : [{ kind: 'no_face', photos: faceless } as const]),
    { kind: 'several_faces', photos: where(({ faces }) => (faces?.length ?? 0) > 1) },
    {
      kind: 'blurred',
      photos: where((look) => !isDark(look) && look.sharpness < BLURRED_BELOW),
    },
    { kind: 'dark', photos: where(isDark) },
    { kind: 'same', groups: groupSame(looks.map(({ thumb }) => Buffer.from(thumb, 'base64'))) },
  ];
  return warnings.filter((warning) => {
    if (warning.kind === 'no_face_at_all') return true;
    return (warning.kind === 'same' ? warning.groups : warning.photos).length > 0;
  });
}

function isDark({ brightness }: PhotoLook): boolean {
  return brightness < DARK_BELOW;
}

/** Positions of photos that look the same, two or more each; a photo is in one group at most. */
function groupSame(thumbs: readonly Uint8Array[]): number[][] {
  const groups: number[][] = [];
  thumbs.forEach((thumb, position) => {
    const group = groups.find(([first = 0]) => difference(thumb, thumbs[first]) < SAME_BELOW);
    if (group) group.push(position);
    else groups.push([position]);
  });
  return groups.filter((group) => group.length > 1);
}

/** Mean absolute difference of two tiny copies. */
function difference(a: Uint8Array, b: Uint8Array | undefined): number {
  if (!b || a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY;
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
}
