import { imageMorphing } from './image-morphing.ts';

/** Everything that is sold. */
export const SERVICES = [imageMorphing] as const;
