import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stars } from '../../src/domain/stars.ts';
import { pictures, startRig } from './rig.ts';

test('a person gets from /start to a confirmed order with its progress', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  rig.balances.set(1, stars(60_000));
  ann.say('/start');
  await ann.waitForMessage({ has: 'animation', button: /Morph/ });
  await ann.press(/Morph/);
  await ann.press(/Female/);
  await ann.waitForMessage({ text: /from 2 to 20/ });
  ann.sendPhotos(await pictures(12), { album: true });
  const counter = await ann.waitForMessage({ text: /^12 photos/, button: /Done/ });
  assert.match(counter.text ?? '', /72 hours/);
  await ann.press(/Done/);
  const quote = await ann.waitForMessage({ button: /Seamless/ });
  assert.ok(quote.text?.includes('Seamless — 11 transitions · 55 s · 489.83 ⭐'));
  assert.ok(quote.text?.includes('Loop — 12 transitions · 60 s · 534.36 ⭐'));
  await ann.press(/Loop/);
  await ann.waitForMessage({ text: /After this order: 65.64 ⭐/ });
  await ann.press(/Confirm/);
  await ann.waitForMessage({ text: /0 of 12 transitions/, button: /Cancel/ });
  Object.assign(rig.orders.of(1), { finished: 7, running: 5, etaSeconds: 200 });
  rig.orders.of(1).view.state = 'rendering';
  await ann.waitForMessage({ text: /▰▰▰▰▰▱▱▱▱▱\n7 of 12 transitions\nReady in about 4 min/ });
});
