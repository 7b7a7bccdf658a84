import type { FinishKind } from '../../services/service.ts';
import { images } from './images.ts';
import type { ResultMaker } from './result-maker.ts';
import { singleVideo } from './single-video.ts';
import { speech } from './speech.ts';
import { stitchedVideo } from './stitched-video.ts';
import { text } from './text.ts';
import { trainedModel } from './trained-model.ts';

/** Everything that steps can become. */
export const RESULT_MAKERS: Readonly<Record<FinishKind, ResultMaker>> = {
  stitched_video: stitchedVideo,
  video: singleVideo,
  images,
  text,
  speech,
  trained_model: trainedModel,
};
