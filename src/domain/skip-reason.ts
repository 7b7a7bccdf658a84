/** Why something a person sent did not become a photo of the order. Each has its words in `locales/`. */
export const SKIP_REASONS = [
  'not_a_picture',
  'broken_picture',
  'too_small',
  'too_many_pixels',
  'file_too_big',
  'download_failed',
  'too_many_photos',
  'zip_encrypted',
  'zip_broken',
  'zip_nested',
  'zip_unsafe_path',
  'zip_bomb',
  'zip_too_many_entries',
  'zip_without_pictures',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Pictures below this on either side are refused: models reject them. In pixels. */
export const MIN_PICTURE_SIDE = 300;

/** Pictures above this are refused before they are decoded. In pixels. */
export const MAX_PICTURE_PIXELS = 80_000_000;
