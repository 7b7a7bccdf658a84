import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stars } from '../../src/domain/stars.ts';
import { textToSpeech } from '../../src/services/text-to-speech.ts';
import { pictures, type RigOptions, startRig, until } from './rig.ts';

/** A person with an offer of `transitions` transitions. */
async function atOffer(t: TestContext, transitions = 4, options: RigOptions = {}) {
  const rig = await startRig(t, options);
  const ann = rig.person(1, 'Ann');
  rig.balances.set(1, stars(100_000));
  ann.say('/gender');
  await ann.press(/Skip/);
  ann.sendPhotos(await pictures(transitions), { album: true });
  await ann.waitForMessage({ text: new RegExp(`^${transitions} photos`) });
  await ann.press(/Done/);
  await ann.press(/Loop/);
  await ann.waitForMessage({ button: /Confirm/ });
  return { rig, ann };
}

/** A person with a confirmed order of `transitions` transitions and its progress message. */
async function atWork(t: TestContext, transitions = 4, options: RigOptions = {}) {
  const { rig, ann } = await atOffer(t, transitions, options);
  await ann.press(/Confirm/);
  const message = await ann.waitForMessage({
    text: new RegExp(`0 of ${transitions} transitions`),
    button: /Cancel/,
  });
  const order = rig.orders.of(1);
  return { rig, ann, order, message };
}

describe('cancelling', () => {
  test('with nothing to cancel says so', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/cancel');
    await ann.waitForMessage({ text: /nothing to cancel/ });
  });

  test('a draft drops it, takes its buttons away and leaves the dialogue', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/morph');
    await ann.press(/Skip/);
    ann.sendPhotos(await pictures(2));
    await ann.waitForMessage({ text: /^2 photos/ });
    assert.equal(rig.dialogues.size, 1);
    ann.say('/cancel');
    await ann.waitForMessage({ text: /Nothing was charged/ });
    await ann.waitUntilGone({ button: /Done/ });
    await ann.waitUntilGone({ text: /^2 photos|This order was cancelled/ });
    ann.say('hm');
    await ann.waitForMessage({ text: /\/start shows everything/ });
    assert.equal(rig.dialogues.size, 0);
    assert.equal(rig.orders.of(1).view.state, 'cancelled');
  });

  test('by button works on the prompt, the counter and the quote', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/gender');
    await ann.press(/Skip/);
    ann.say('/morph');
    await ann.press(/^Cancel$/);
    await ann.waitForMessage({ text: /Nothing was sent or charged/ });
    ann.sendPhotos(await pictures(2));
    await ann.waitForMessage({ text: /^2 photos/ });
    await ann.press(/^Cancel$/);
    await ann.waitForMessage({ text: /This order was cancelled, its photos are deleted/ });
    ann.sendPhotos(await pictures(2));
    await ann.waitForMessage({ text: /^2 photos/ });
    await ann.press(/Done/);
    const quote = await ann.waitForMessage({ button: /Seamless/ });
    await rig.server.press(1, quote.message_id, 'o:cancel:order3');
    await ann.waitUntilGone({ button: /Seamless|Done/ });
    assert.deepEqual(
      rig.orders.all.map(({ view }) => view.state),
      ['cancelled', 'cancelled', 'cancelled'],
    );
  });

  test('of an order of words alone says that the words are deleted', async (t) => {
    const rig = await startRig(t, { services: [textToSpeech] });
    const ann = rig.person(1, 'Ann');
    ann.say('/text_to_speech');
    await ann.waitForMessage({ text: /Send me the text/ });
    ann.say('Hello there');
    await ann.waitForMessage({ button: /calm woman/ });
    ann.say('/cancel');
    await ann.waitForMessage({ text: /what you sent for it is deleted/ });
  });

  test('never waits behind something slow in the same chat', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/gender');
    await ann.press(/Skip/);
    ann.sendPhotos(await pictures(2));
    await ann.waitForMessage({ text: /^2 photos/ });
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const quote = rig.orders.quote;
    rig.orders.quote = async (...given) => {
      await slow;
      return quote(...given);
    };
    await ann.press(/Done/);
    ann.say('/balance');
    ann.say('/cancel');
    await ann.waitForMessage({ text: /Nothing was charged/ });
    assert.equal(rig.orders.of(1).view.state, 'cancelled');
    assert.ok(!ann.transcript().includes('Your balance'), 'the chat is still busy');
    release();
    await ann.waitForMessage({ text: /Your balance/ });
    await sleep(100);
    assert.ok(!ann.transcript().includes('Seamless'), 'no quote for a cancelled order');
  });

  test('photos that were on their way when it came open no new order', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/gender');
    await ann.press(/Skip/);
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /^1 photo/ });
    const release = rig.server.world.updates.hold();
    ann.sendPhotos(await pictures(5), { album: true });
    ann.say('/cancel');
    release();
    await ann.waitForMessage({ text: /Nothing was charged/ });
    ann.say('/status');
    await ann.waitForMessage({ text: /Nothing is running/ });
    assert.equal(rig.orders.all.length, 1);
  });

  test('by button: photos that were on their way when it came open no new order', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/gender');
    await ann.press(/Skip/);
    ann.sendPhotos(await pictures(1));
    const counter = await ann.waitForMessage({ text: /^1 photo/ });
    const release = rig.server.world.updates.hold();
    ann.sendPhotos(await pictures(5), { album: true });
    const pressed = rig.server.press(1, counter.message_id, 'o:cancel:order1');
    release();
    assert.match((await pressed).text ?? '', /Cancelled/);
    ann.say('/status');
    await ann.waitForMessage({ text: /Nothing is running/ });
    assert.equal(rig.orders.all.length, 1);
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /^1 photo/ }, { after: counter });
    assert.equal(rig.orders.all.length, 2);
  });

  test('with nothing to cancel leaves photos that were on their way alone', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/gender');
    await ann.press(/Skip/);
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const findOpen = rig.orders.findOpen;
    let calls = 0;
    rig.orders.findOpen = async (personId) => {
      calls += 1;
      const open = await findOpen(personId);
      if (calls === 1) await slow;
      return open;
    };
    ann.sendPhotos(await pictures(3), { album: true });
    await until(() => calls === 1);
    ann.say('/cancel');
    await ann.waitForMessage({ text: /nothing to cancel/ });
    release();
    await ann.waitForMessage({ text: /^3 photos/ });
  });

  test('a paid order before anything is finished gives everything back', async (t) => {
    const { rig, ann, message } = await atWork(t);
    await ann.press(/Cancel/, { after: message.message_id - 1 });
    await ann.waitForMessage({ text: /cancelled\. Stars that came back: 178\.12 ⭐/ });
    await ann.waitUntilGone({ button: /Cancel/ });
    assert.equal(rig.balances.get(1), 100_000);
  });

  test('with finished transitions offers the shorter video: yes', async (t) => {
    const { ann, order } = await atWork(t);
    Object.assign(order, { finished: 1 });
    order.view.state = 'rendering';
    ann.say('/cancel');
    await ann.waitForMessage({
      text: /1 of 4 transitions finished.*133\.59 ⭐ came back/,
    });
    const answer = await ann.press(/Yes, send the shorter video/);
    assert.match(answer.text ?? '', /joining what is ready/);
    await ann.waitForMessage({ text: /Joining the clips/ });
    await ann.waitUntilGone({ button: /shorter video/ });
    assert.equal(order.view.partial, 'accepted');
  });

  test('with finished transitions offers the shorter video: no, and the button is used up', async (t) => {
    const { rig, ann, order } = await atWork(t);
    Object.assign(order, { finished: 1 });
    ann.say('/cancel');
    const offer = await ann.waitForMessage({ button: /No, thanks/ });
    await rig.restart();
    await ann.press(/No, thanks/);
    await ann.waitForMessage({ text: /There will be no video/ });
    await rig.server.press(1, offer.message_id, 'o:partial:order1:yes');
    assert.equal(order.view.partial, 'declined');
  });

  describe('the question about the shorter video', () => {
    const QUESTION = { text: /Shall I send you the shorter video/, button: /No, thanks/ };

    async function atQuestion(t: TestContext) {
      const there = await atWork(t);
      Object.assign(there.order, { finished: 1 });
      there.order.view.state = 'rendering';
      await there.ann.press(/^Cancel$/);
      const question = await there.ann.waitForMessage(QUESTION);
      return { ...there, question };
    }

    test('is asked on the progress message, once', async (t) => {
      const { ann, message, question } = await atQuestion(t);
      assert.equal(question.message_id, message.message_id);
      await sleep(150);
      assert.equal(ann.messages().filter(({ text }) => QUESTION.text.test(text ?? '')).length, 1);
      await ann.press(/No, thanks/);
      await ann.waitForMessage({ text: /There will be no video/ });
      await ann.waitUntilGone({ button: /No, thanks/ });
    });

    test('is asked after a kill between the cancel and its message', async (t) => {
      const { rig, ann, order } = await atWork(t);
      Object.assign(order, { finished: 1 });
      await rig.bot.stop(1_000);
      await rig.orders.cancel('order1', 1, 1);
      await rig.restart();
      rig.bot.chatPort.progressChanged('order1');
      await ann.waitForMessage(QUESTION);
    });

    test('is asked once Telegram is back from an outage', async (t) => {
      const { rig, ann, order } = await atWork(t);
      Object.assign(order, { finished: 1 });
      await rig.bot.stop(1_000);
      await rig.orders.cancel('order1', 1, 1);
      await rig.restart();
      // More than the calls of one attempt.
      rig.server.faults.add({ kind: '5xx', method: 'editMessageText', times: 9 });
      rig.bot.chatPort.progressChanged('order1');
      await ann.waitForMessage(QUESTION);
    });

    for (const command of ['/cancel', '/status', '/start']) {
      test(`is asked again by ${command}`, async (t) => {
        const { ann, question } = await atQuestion(t);
        ann.say(command);
        await ann.waitForMessage(QUESTION, { after: question });
        await ann.waitUntilGone(({ message_id }) => message_id === question.message_id);
        assert.ok(!ann.transcript().includes('nothing to cancel'));
      });
    }

    test('is asked again by another Cancel, and everything is refunded once', async (t) => {
      const { rig, ann, question } = await atQuestion(t);
      const balance = rig.balances.get(1);
      ann.say('/help');
      const help = await ann.waitForMessage({ text: /How it works/ });
      await rig.server.press(1, help.message_id, 'o:cancel:order1');
      await ann.waitForMessage(QUESTION, { after: question });
      assert.equal(rig.balances.get(1), balance);
    });
  });

  test('whose update comes again after a kill tells it again and cancels nothing else', async (t) => {
    const { rig, ann, order } = await atWork(t);
    ann.say('/morph');
    await ann.waitForMessage({ text: /send me your photos/ });
    ann.say('/cancel');
    const told = await ann.waitForMessage({ text: /Nothing was sent or charged/ });
    await ann.waitForMessage({ text: /The paid order goes on/ });
    await rig.replayNewest();
    await ann.waitForMessage({ text: /Nothing was charged/ }, { after: told });
    assert.equal(order.view.state, 'queued');
  });

  test('too late is said, and the video comes', async (t) => {
    const { rig, order, message } = await atWork(t);
    order.view.state = 'finishing';
    const answer = await rig.server.press(1, message.message_id, 'o:cancel:order1');
    assert.match(answer.text ?? '', /on its way to you/);
    assert.equal(order.view.state, 'finishing');
  });

  test('drops the draft first; the paid order goes on and has its own button', async (t) => {
    const { rig, ann, order } = await atWork(t);
    ann.say('/morph');
    await ann.waitForMessage({ text: /send me your photos/ });
    ann.say('/cancel');
    await ann.waitForMessage({ text: /The paid order goes on/ });
    assert.equal(rig.orders.all[1]?.view.state, 'cancelled');
    assert.equal(order.view.state, 'queued');
    await ann.press(/Cancel the paid order/);
    await ann.waitForMessage({ text: /came back: 178\.12 ⭐/ });
    assert.equal(order.view.state, 'cancelled');
  });
});

describe('words while a paid order is being made', () => {
  test('are answered with how far it is', async (t) => {
    const { ann, order } = await atWork(t);
    Object.assign(order, { etaSeconds: 200 });
    order.view.state = 'rendering';
    ann.say('how long?');
    await ann.waitForMessage({ text: /will be ready in about 4 min\. \/status/ });
    Object.assign(order, { etaSeconds: null });
    ann.say('and now?');
    await ann.waitForMessage({ text: /Your order is being made\. \/status/ });
  });
});

describe('the progress message', () => {
  test('is one message through the whole life of the order', async (t) => {
    const { ann, order, message } = await atWork(t);
    const shows = async (pattern: RegExp, change: object, state = order.view.state) => {
      Object.assign(order, change);
      order.view.state = state;
      const shown = await ann.waitForMessage({ text: pattern });
      assert.equal(shown.message_id, message.message_id);
    };
    await shows(/In the queue: 9 transitions ahead of you/, { ahead: 9 });
    await shows(/Making your video/, { ahead: 0, running: 2, etaSeconds: 120 }, 'rendering');
    await shows(/3 of 4 transitions\nReady in less than a minute/, { finished: 3, etaSeconds: 20 });
    await shows(/service is busy/, { waitingForProvider: true });
    await shows(/Joining the clips/, { waitingForProvider: false }, 'finishing');
    await shows(/Sending the video/, {}, 'delivering');
  });

  test('is brought to its end also when the order ends while it is being read', async (t) => {
    const { rig, ann, order } = await atWork(t);
    const { progress } = rig.orders;
    Object.assign(rig.orders, {
      async progress(orderId: string) {
        const read = structuredClone(await progress(orderId));
        if (read?.order.state === 'delivering' && order.view.state === 'delivering') {
          order.view.state = 'delivered';
          rig.bot.chatPort.progressChanged(orderId);
        }
        return read;
      },
    } satisfies Partial<typeof rig.orders>);
    order.view.state = 'delivering';
    await ann.waitForMessage({ text: /Your video is ready/ });
  });

  test('is brought to its end when the order ends', async (t) => {
    const { rig, ann, order } = await atWork(t);
    order.view.state = 'delivered';
    rig.bot.chatPort.progressChanged('order1');
    await ann.waitForMessage({ text: /Your video is ready, it is below\.\nPaid: 178\.12 ⭐$/ });
    await ann.waitUntilGone({ button: /Cancel/ });
  });

  test('is edited only when its text changes, and no more often than it may be', async (t) => {
    const timings = { progress: { tickMs: 20, editEveryMs: 200 } };
    const { rig, order } = await atWork(t, 20, { timings });
    const edits = () =>
      rig.server.calls.filter(({ method }) => method === 'editMessageText').length;
    await sleep(300);
    const quiet = edits();
    await sleep(300);
    assert.equal(edits(), quiet, 'nothing changed, nothing edited');
    order.view.state = 'rendering';
    for (let finished = 1; finished <= 18; finished += 1) {
      order.finished = finished;
      rig.bot.chatPort.progressChanged('order1');
      await sleep(30);
    }
    const made = edits() - quiet;
    assert.ok(made >= 2 && made <= 5, `${made} edits in about 550 ms`);
  });

  test('is edited no more often than it may be from Confirm to the end, which waits for no tick', async (t) => {
    const editEveryMs = 300;
    const timings = { progress: { tickMs: 60_000, editEveryMs } };
    const { rig, ann } = await atOffer(t, 4, { timings });
    const { message_id } = await ann.waitForMessage({ button: /Confirm/ });
    const { confirm } = rig.orders;
    Object.assign(rig.orders, {
      async confirm(...given: Parameters<typeof confirm>) {
        const outcome = await confirm(...given);
        rig.orders.of(1).view.state = 'rendering';
        rig.bot.chatPort.progressChanged('order1');
        return outcome;
      },
    } satisfies Partial<typeof rig.orders>);
    rig.server.faults.add({ kind: 'delay', ms: 50, method: 'editMessageText', times: 50 });
    const before = rig.server.calls.length;
    await ann.press(/Confirm/);
    const order = rig.orders.of(1);
    for (const finished of [1, 2, 3, 4]) {
      await sleep(110);
      Object.assign(order, { finished });
      rig.bot.chatPort.progressChanged('order1');
    }
    for (const state of ['finishing', 'delivering', 'delivered'] as const) {
      await sleep(130);
      order.view.state = state;
      rig.bot.chatPort.progressChanged('order1');
    }
    await ann.waitForMessage({ text: /Your video is ready/ });
    const edits = rig.server.calls
      .slice(before)
      .filter(({ method, payload }) => {
        return method === 'editMessageText' && payload['message_id'] === message_id;
      })
      .map(({ at }) => at);
    const gaps = edits.slice(1).map((at, index) => at - (edits[index] ?? 0));
    assert.ok(gaps.length >= 2 && Math.min(...gaps) >= editEveryMs, `${gaps} ms apart`);
  });

  test('shows at once what came of Cancel', async (t) => {
    const timings = { progress: { tickMs: 60_000, editEveryMs: 60_000 } };
    const { ann, message } = await atWork(t, 4, { timings });
    await ann.press(/Cancel/, { after: message.message_id - 1 });
    await ann.waitForMessage({ text: /cancelled\. Stars that came back/ });
  });

  test('of an order that ends does not wait for the orders that go on', async (t) => {
    const editEveryMs = 600;
    const { rig, ann, order } = await atWork(t, 4, {
      timings: { progress: { tickMs: editEveryMs, editEveryMs } },
    });
    ann.sendPhotos((await pictures(7)).slice(4), { album: true });
    await ann.press(/Done/);
    await ann.press(/Loop/);
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 3 transitions/ });
    await sleep(editEveryMs);
    rig.orders.of(1).finished = 1;
    rig.bot.chatPort.progressChanged('order2');
    await ann.waitForMessage({ text: /1 of 3 transitions/ });
    order.view.state = 'delivered';
    rig.bot.chatPort.progressChanged('order1');
    await ann.waitForMessage({ text: /Your video is ready/ });
    const [bar = 0, end = 0] = rig.server.calls
      .filter(({ method }) => method === 'editMessageText')
      .slice(-2)
      .map(({ at }) => at);
    assert.ok(end - bar < editEveryMs, `${end - bar} ms after the bar of another order`);
  });

  test('is not even read while it is too early to edit it', async (t) => {
    const timings = { progress: { tickMs: 10, editEveryMs: 60_000 } };
    const { rig, order } = await atWork(t, 4, { timings });
    const { active, progress } = rig.orders;
    let [ticks, reads] = [0, 0];
    Object.assign(rig.orders, {
      async active(personId?: number) {
        ticks += 1;
        return active(personId);
      },
      async progress(orderId: string) {
        reads += 1;
        return progress(orderId);
      },
    } satisfies Partial<typeof rig.orders>);
    order.finished = 1;
    rig.bot.chatPort.progressChanged('order1');
    await until(() => ticks >= 10);
    assert.equal(reads, 0);
  });

  test('goes on in another process, in the same message', async (t) => {
    const { rig, ann, order, message } = await atWork(t);
    await rig.restart();
    Object.assign(order, { finished: 2 });
    const shown = await ann.waitForMessage({ text: /2 of 4 transitions/ });
    assert.equal(shown.message_id, message.message_id);
  });

  test('deleted by the person comes again', async (t) => {
    const { rig, ann, order, message } = await atWork(t);
    await rig.deleteMessage(1, message.message_id);
    Object.assign(order, { finished: 2 });
    await ann.waitForMessage({ text: /2 of 4 transitions/ }, { after: message });
  });

  test('survives flood control, a server in trouble and a cut connection', async (t) => {
    const { rig, ann, order } = await atWork(t);
    const method = 'editMessageText';
    rig.server.faults.add({ kind: '429', retryAfter: 1, method });
    rig.server.faults.add({ kind: '5xx', method });
    rig.server.faults.add({ kind: 'reset', method });
    rig.server.faults.add({ kind: 'reset-after', method });
    Object.assign(order, { finished: 3 });
    await ann.waitForMessage({ text: /3 of 4 transitions/ });
  });

  test('/status shows it anew at the bottom', async (t) => {
    const { ann, message } = await atWork(t);
    ann.say('/status');
    const fresh = await ann.waitForMessage({ text: /0 of 4 transitions/ }, { after: message });
    await ann.waitUntilGone(({ message_id }) => message_id === message.message_id);
    assert.equal(ann.lastMessage()?.message_id, fresh.message_id);
  });

  test('of a person who blocked the bot waits until they are back', async (t) => {
    const { rig, ann, order } = await atWork(t);
    ann.block();
    Object.assign(order, { finished: 1 });
    await until(() => rig.people.get(1)?.blockedAt);
    // What was on its way by then may still arrive.
    await sleep(100);
    const calls = rig.server.calls.length;
    Object.assign(order, { finished: 2 });
    await sleep(150);
    const sent = rig.server.calls.slice(calls).filter(({ method }) => method !== 'getUpdates');
    assert.deepEqual(sent, [], 'nobody is written to');
    ann.unblock();
    ann.say('/start');
    await ann.waitForMessage({ text: /being made right now/, button: /Show status/ });
    assert.deepEqual(rig.orders.returned, [1]);
    assert.equal(rig.people.get(1)?.blockedAt, null);
    await ann.waitForMessage({ text: /2 of 4 transitions/ });
  });
});
