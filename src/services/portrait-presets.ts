/**
 * Scenes for a picture of a person, to choose in place of writing one. They say where and how, never what the
 * person looks like.
 */
export const PORTRAIT_PRESETS = [
  {
    value: 'studio',
    text: 'studio portrait, soft key light, plain grey background, looking at the camera, shot on an 85 mm lens',
  },
  {
    value: 'business',
    text: 'business portrait in a well-cut dark suit, bright modern office in the background, natural light',
  },
  {
    value: 'cafe',
    text: 'sitting at a table by the window of a cosy cafe with a cup of coffee, warm morning light, candid shot',
  },
  {
    value: 'mountains',
    text: 'hiking on a mountain ridge at sunrise, wearing a warm jacket, wide view over the valley behind',
  },
  {
    value: 'city',
    text: 'walking through a big city in the rain at night, neon signs reflected in the wet street, cinematic light',
  },
  {
    value: 'painting',
    text: 'oil painting in the manner of the old masters, dark background, visible brush strokes',
  },
] as const;
