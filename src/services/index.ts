import { digitalAvatar } from './digital-avatar.ts';
import { imageMorphing } from './image-morphing.ts';
import { imageToPrompt } from './image-to-prompt.ts';
import { imageToVideo } from './image-to-video.ts';
import { neuroPhoto } from './neuro-photo.ts';
import { neuroPhotoV2 } from './neuro-photo-v2.ts';
import { textToSpeech } from './text-to-speech.ts';
import { textToVideo } from './text-to-video.ts';
import { voiceToText } from './voice-to-text.ts';

/** Everything that is sold, in the order of the menu. */
export const SERVICES = [
  imageMorphing,
  neuroPhoto,
  neuroPhotoV2,
  digitalAvatar,
  imageToPrompt,
  imageToVideo,
  textToVideo,
  textToSpeech,
  voiceToText,
] as const;
