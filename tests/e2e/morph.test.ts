import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeJpeg } from '../support/pictures.ts';
import { prepareWhole } from '../support/whole.ts';

const pictures = (count: number, seed = 0) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      makeJpeg({ width: 640, height: 480, seed: seed + index }),
    ),
  );

describe('a person', () => {
  it('sends photos, reads the quote, pays, and gets the video twice', async (t) => {
    const whole = await prepareWhole(t, { firstTools: true });
    await whole.start();
    const ann = whole.person();
    ann.say('/start');
    await ann.press(/Morph/);
    await ann.press(/Female/);
    await ann.waitForMessage({ text: /photo/i });
    ann.sendPhotos(await pictures(3), { album: true });
    await ann.waitForMessage({ text: /3 photos/ });
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /Seamless — 2 transitions · 10 s · 89\.06 ⭐/ });
    await ann.waitForMessage({ text: /Loop — 3 transitions · 15 s · 133\.59 ⭐/ });
    await whole.grant(ann, '200');
    await ann.press(/Loop/);
    await ann.press(/Confirm/);
    const preview = await ann.waitForMessage({ has: 'video' }, { timeoutMs: 60_000 });
    const document = await ann.waitForMessage(
      { has: 'document' },
      { after: preview, timeoutMs: 60_000 },
    );
    assert.ok(preview.caption?.endsWith('✨ Created with @morphogram_bot ✨'), preview.caption);
    assert.ok(document.caption?.endsWith('✨ Created with @morphogram_bot ✨'), document.caption);
    await whole.bot().kill('SIGTERM');
    await whole.audit();
    t.diagnostic(ann.transcript());
  });
});
