import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  accepted,
  assertNothingBoughtTwice,
  beginMorph,
  makePhotos,
  meet,
  orderMorph,
  PATIENCE,
  receiveMorph,
  until,
  words,
} from '../support/morphs.ts';
import { refusals, type ServedPrediction, throttled } from '../support/replicate-server.ts';
import { prepareWhole } from '../support/whole.ts';

it('an order arrives through whatever Telegram does', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { telegram, replicate } = whole;
  await whole.start();

  await t.test('flood limits, broken servers and cut connections', async () => {
    const ann = await meet(whole, { stars: '200' });
    telegram.faults.add({ kind: '429', retryAfter: 1, method: 'sendMessage' });
    telegram.faults.add({ kind: 'reset', method: 'getUpdates' });
    telegram.faults.add({ kind: '5xx', method: 'getUpdates' });
    await beginMorph(ann);
    telegram.faults.add({ kind: '5xx', method: 'getFile' });
    telegram.faults.add({ kind: 'reset', method: 'getFile' });
    telegram.faults.add({ kind: '429', retryAfter: 1, method: 'getFile' });
    telegram.faults.addDownload({ kind: '404' });
    telegram.faults.addDownload({ kind: 'truncate' });
    telegram.faults.addDownload({ kind: 'reset' });
    telegram.faults.add({ kind: 'reset-after', method: 'editMessageText' });
    telegram.faults.add({ kind: '5xx', method: 'editMessageText' });
    const [first] = ann.sendPhotos(await makePhotos(4), { album: true });
    const after = { ...PATIENCE, ...(first ? { after: first } : {}) };
    await ann.waitForMessage({ text: words.en.counted(4) }, after);
    telegram.faults.add({ kind: 'reset', method: 'answerCallbackQuery' });
    telegram.faults.add({ kind: '429', retryAfter: 1, method: /^sendPhoto$|^sendMediaGroup$/ });
    telegram.faults.add({ kind: 'reset', method: /^sendPhoto$|^sendMediaGroup$/ });
    await ann.press(words.en.done, after);
    await ann.press(words.en.seamless, PATIENCE);
    telegram.faults.add({ kind: 'reset', method: 'sendVideo' });
    telegram.faults.add({ kind: '429', retryAfter: 1, method: 'sendDocument' });
    telegram.faults.add({ kind: 'reset', method: 'sendMessage' });
    telegram.faults.add({ kind: 'reset-after', method: 'editMessageText' });
    await ann.press(words.en.confirm, PATIENCE);
    await receiveMorph(ann);
    assert.equal(telegram.faults.pending, 0, 'all of it happened');
    assert.equal(accepted(telegram, 'sendVideo', ann.id).length, 1);
    assert.equal(accepted(telegram, 'sendDocument', ann.id).length, 1);
    assert.equal(replicate.predictions.length, 3);
  });

  await t.test('the person deletes the counter and the progress message', async () => {
    const bob = await meet(whole, { stars: '100' });
    await beginMorph(bob);
    bob.sendPhotos(await makePhotos(2), { album: true });
    const counter = await bob.waitForMessage({ text: words.en.counted(2) }, PATIENCE);
    telegram.world.state.remove(bob.id, counter.message_id);
    bob.sendPhotos(await makePhotos(1));
    const { message_id } = await bob.waitForMessage({ text: words.en.counted(3) }, PATIENCE);
    assert.notEqual(message_id, counter.message_id);
    await bob.press(words.en.done, PATIENCE);
    await bob.press(words.en.seamless, PATIENCE);
    replicate.next({ delayMs: 1_500 }, { delayMs: 2_500 });
    await bob.press(words.en.confirm, PATIENCE);
    const progress = await bob.waitForMessage({ text: /0 of 2 transitions/ }, PATIENCE);
    telegram.world.state.remove(bob.id, progress.message_id);
    await bob.waitForMessage({ text: /1 of 2 transitions/ }, PATIENCE);
    await receiveMorph(bob);
  });

  await t.test('the person blocks the bot: the order is finished and waits for them', async () => {
    const eve = await meet(whole, { stars: '100' });
    replicate.next({ delayMs: 800 }, { delayMs: 800 });
    await orderMorph(eve, { photos: await makePhotos(3) });
    const from = replicate.predictions.length - 2;
    eve.block();
    await until(
      () => replicate.predictions.slice(from).every(({ status }) => status === 'succeeded'),
      'everything was rendered',
    );
    const calls = telegram.calls.length;
    eve.unblock();
    eve.say('/start');
    await receiveMorph(eve);
    assert.ok(telegram.calls.slice(calls).some(({ method }) => method === 'sendVideo'));
    assert.equal(accepted(telegram, 'sendVideo', eve.id).length, 1);
    await eve.waitForMessage({ text: /Your video is ready/ }, PATIENCE);
  });
  assertNothingBoughtTwice(replicate);
  await whole.stop();
  await whole.audit();
});

it('an order arrives, or its stars come back, whatever Replicate does', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { replicate, admin } = whole;
  await whole.start({ TEST_ATTEMPT_MS: '2500' });
  admin.say('/start');
  const creates = () => replicate.requests.filter(({ endpoint }) => endpoint === 'create').length;

  await t.test('out of credit: the admins know, the person only waits', async () => {
    const ann = await meet(whole, { stars: '100' });
    replicate.faultAlways('create', refusals.outOfCredit);
    await orderMorph(ann, { photos: await makePhotos(3) });
    await admin.waitForMessage({ text: /out of credit/ }, PATIENCE);
    await ann.waitForMessage({ text: /service is busy/ }, PATIENCE);
    replicate.faultAlways('create', undefined);
    await receiveMorph(ann);
    assert.doesNotMatch(ann.transcript(), /credit|402|Replicate/i);
    await ann.waitForMessage({ text: /Your video is ready/ }, PATIENCE);
  });

  await t.test('a rate limit is waited out as long as it asks', async () => {
    const ann = await meet(whole, { stars: '100' });
    const before = creates();
    replicate.fault('create', throttled(2));
    await orderMorph(ann, { photos: await makePhotos(2) });
    await until(() => creates() === before + 1, 'the first request');
    const refusedAt = Date.now();
    await until(() => creates() === before + 2, 'the second request');
    assert.ok(Date.now() - refusedAt > 1_900, `${Date.now() - refusedAt} ms`);
    await receiveMorph(ann);
  });

  await t.test('a refused input becomes one of ours, and its stars come back', async () => {
    const boris = await meet(whole, { stars: '100', language: 'ru' });
    replicate.fault('create', refusals.invalidInput);
    await orderMorph(boris, { photos: await makePhotos(3), language: 'ru' });
    await receiveMorph(boris, { language: 'ru' });
    await boris.waitForMessage({ text: /Переход [12] заменён более простым нашим/ }, PATIENCE);
    await boris.waitForMessage({ text: /44,53 ⭐ верну|вернулось 44,53|44[.,]53 ⭐/ }, PATIENCE);
    const video = await boris.waitForMessage({ has: 'video' });
    assert.equal(video.video?.duration, 10);
    t.diagnostic(boris.transcript());
  });

  await t.test('many things at once', async () => {
    const ann = await meet(whole, { stars: '500' });
    const attempts = new Map<string, number>();
    const from = replicate.predictions.length;
    replicate.script((prediction) => {
      const attempt = countAttempt(attempts, prediction);
      if (attempt > 1) return undefined;
      switch (attempts.size) {
        case 1:
          return { outcome: 'fail', error: 'The input or output was flagged as sensitive. (E005)' };
        case 2:
          return { outcome: 'fail', error: 'Prediction failed. (E1000)' };
        case 3:
          return { expired: true };
        case 4:
          return { outcome: 'hang' };
        case 5:
          return { outcome: 'aborted' };
        default:
          return { shape: 'array' };
      }
    });
    replicate.fault('upload', { kind: 'reset' }, refusals.unavailable);
    replicate.fault('create', { kind: 'reset' }, refusals.unavailable, { kind: 'reset_after' });
    replicate.fault('get', { kind: 'reset' }, refusals.unavailable, throttled(1));
    replicate.fault('cancel', { kind: 'reset' });
    replicate.faultDownload({ kind: 'truncated' }, { kind: 'answer', status: 503 });
    await orderMorph(ann, { photos: await makePhotos(7) });
    await receiveMorph(ann);
    replicate.script(() => undefined);
    await ann.waitForMessage({ text: /Transition \d was replaced by a simpler one of ours/ }, PATIENCE);
    await ann.waitForMessage({ text: /44\.53 ⭐ came back/ }, PATIENCE);
    const hung = replicate.predictions.slice(from).find(({ cancelledAt }) => cancelledAt);
    assert.ok(hung, 'what hung was cancelled');
  });

  await t.test('every transition refused: no video, everything back, kind words', async () => {
    const ann = await meet(whole, { stars: '100' });
    const boris = await meet(whole, { stars: '100', language: 'ru' });
    const error = 'The input or output was flagged as sensitive. (E005)';
    replicate.script(() => ({ outcome: 'fail', error }));
    await Promise.all([
      orderMorph(ann, { photos: await makePhotos(3) }),
      orderMorph(boris, { photos: await makePhotos(3), language: 'ru', mode: 'seamless' }),
    ]);
    await ann.waitForMessage({ text: /the model refused these photos/ }, PATIENCE);
    await ann.waitForMessage({ text: /89\.06 ⭐ came back/ }, PATIENCE);
    await boris.waitForMessage({ text: /модель/ }, PATIENCE);
    await boris.waitForMessage({ text: /89[.,]06 ⭐/ }, PATIENCE);
    for (const person of [ann, boris]) {
      assert.equal(person.messages().filter(({ video }) => video).length, 0);
      assert.doesNotMatch(person.transcript(), /E005|flagged|sensitive/);
      t.diagnostic(person.transcript());
    }
    ann.say('/balance');
    await ann.waitForMessage({ text: /Your balance: 100\.00 ⭐/ }, PATIENCE);
  });

  await t.test('every attempt broken: three each, then everything back', async () => {
    const ann = await meet(whole, { stars: '50' });
    replicate.script(() => ({ outcome: 'fail', error: 'Prediction failed. (E1000)' }));
    const before = creates();
    await orderMorph(ann, { photos: await makePhotos(2) });
    await ann.waitForMessage({ text: /the service failed on every transition/ }, PATIENCE);
    await ann.waitForMessage({ text: /44\.53 ⭐ came back/ }, PATIENCE);
    assert.equal(creates() - before, 3);
    replicate.script(() => undefined);
  });
  await whole.stop();
  await whole.audit();
});

/** Which attempt at its transition this prediction is, counted from 1. */
function countAttempt(attempts: Map<string, number>, { input }: ServedPrediction): number {
  const pair = `${input['start_image']} ${input['end_image']}`;
  const attempt = (attempts.get(pair) ?? 0) + 1;
  attempts.set(pair, attempt);
  return attempt;
}
