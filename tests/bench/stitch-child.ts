import { locateFfmpeg } from '../../src/media/ffmpeg.ts';
import { createVideo, type ProbedClip } from '../../src/media/video.ts';
import { timed } from './measure.ts';
import { report } from './run-child.ts';

const [output = '', ...paths] = process.argv.slice(2);
const video = createVideo(await locateFfmpeg());
// Not timed: orders look at each clip when it arrives, long before they join them.
const clips: ProbedClip[] = [];
for (const path of paths) clips.push({ path, info: await video.probe(path) });
report({ seconds: await timed(() => video.stitch({ clips, output, loop: false })) });
