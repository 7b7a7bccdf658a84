import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import sharp from 'sharp';
import { prepareWhole } from '../support/whole.ts';

const samples = join(
  dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);

/** A photograph with people on it, upright or cut to a part of it. */
const photo = (number: number) =>
  sharp(join(samples, `sample${number}.jpg`)).resize(1200).jpeg().toBuffer();

it('without a provider this machine previews for free, renders, and goes on after a kill', async (t) => {
  const whole = await prepareWhole(t);
  const env = { REPLICATE_API_TOKEN: '', WELCOME_STARS: '100' };
  await whole.start(env);
  const ann = whole.person();
  ann.say('/morph');
  await ann.press(/Female/);
  await ann.waitForMessage({ text: /send me your photos/ });
  const photos = await Promise.all([1, 2, 3].map(photo));
  const grey = await sharp({ create: { width: 900, height: 700, channels: 3, background: '#888' } })
    .jpeg()
    .toBuffer();
  ann.sendPhotos([...photos, grey], { album: true });
  await ann.waitForMessage({ text: /^4 photos/ });
  await ann.press(/Done/);
  const quote = await ann.waitForMessage({ button: /Seamless/ }, { timeoutMs: 30_000 });
  assert.match(quote.text ?? '', /Loop — 4 transitions · 8 s · 7\.48 ⭐/);
  assert.match(quote.text ?? '', /no face found: 4/);
  assert.match(quote.text ?? '', /several faces, .+: 1, 2, 3/);
  assert.match(quote.text ?? '', /blurred: 4/);

  await ann.press(/Preview/);
  const preview = await ann.waitForMessage({ has: 'video' }, { timeoutMs: 60_000 });
  assert.equal(preview.video?.height, 480);
  assert.match(preview.caption ?? '', /Free preview: 3 transitions/);
  await ann.press(/Back to the offer/);
  await ann.press(/Loop/);
  await ann.press(/Confirm/);
  await ann.waitForMessage({ text: /[123] of 4 transitions/ }, { timeoutMs: 60_000 });
  await whole.crash();
  await whole.start(env);
  const video = await ann.waitForMessage(
    { has: 'video', text: /Created with/ },
    { timeoutMs: 60_000 },
  );
  assert.deepEqual([video.video?.width, video.video?.height], [1280, 720]);
  assert.equal(video.video?.duration, 8);
  await ann.waitForMessage({ text: /That's it/ });
  await whole.stop();
  await whole.audit();
});
