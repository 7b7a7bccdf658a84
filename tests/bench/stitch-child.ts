import { locateFfmpeg } from '../../src/media/ffmpeg.ts';
import { createVideo } from '../../src/media/video.ts';
import { timed } from './measure.ts';
import { report } from './run-child.ts';

const [output = '', ...clips] = process.argv.slice(2);
const video = createVideo(await locateFfmpeg());
// Orders look at each clip when it arrives, long before they join them.
for (const clip of clips) await video.probe(clip);
report({ seconds: await timed(() => video.stitch({ clips, output, loop: false })) });
