import { setTimeout as delay } from 'node:timers/promises';
import { locateFfmpeg } from '../../src/media/ffmpeg.ts';
import { createMorpher } from '../../src/media/morpher/create-morpher.ts';
import { findChildren } from './morpher-children.ts';

/** A process that uses the engine and then neither stops it nor ends by itself: it just has nothing left to do. */
const [from = '', to = '', output = '', ending] = process.argv.slice(2);
const morpher = createMorpher({
  tools: await locateFfmpeg({ systemPath: '' }),
  log: { warn: () => {} },
});
const job = { from, to, output, width: 320, height: 180, fps: 12 };
const clip = morpher.morph({ ...job, seconds: ending === 'busy' ? 600 : 0.25 });
const findEngine = () => findChildren(process.pid, 'engine-worker')[0];
if (ending === 'idle') await clip.catch(() => {});
else while (findChildren(findEngine() ?? 0, 'ffmpeg').length === 0) await delay(50);
console.log(`engine ${findEngine()}`);
