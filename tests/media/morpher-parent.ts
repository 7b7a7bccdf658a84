import { locateFfmpeg } from '../../src/media/ffmpeg.ts';
import { createMorpher } from '../../src/media/morpher/create-morpher.ts';
import { findChildren } from './morpher-children.ts';

/** A process that uses the engine and then neither stops it nor ends by itself: it just has nothing left to do. */
const [from = '', to = '', output = '', ending] = process.argv.slice(2);
const morpher = createMorpher({ tools: await locateFfmpeg(), log: { warn: () => {} } });
const job = { from, to, output, width: 320, height: 180, fps: 12 };
const clip = morpher.morph({ ...job, seconds: ending === 'busy' ? 600 : 0.25 });
if (ending === 'idle') await clip;
else await new Promise((resolve) => setTimeout(resolve, 1500));
console.log(`engine ${(await findChildren(process.pid, 'engine-worker'))[0]}`);
