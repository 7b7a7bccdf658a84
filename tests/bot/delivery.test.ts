import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { stars } from '../../src/domain/stars.ts';
import type { Alarm, ResultVideo } from '../../src/orders/chat-port.ts';
import { buttonLabels } from '../support/chat.ts';
import { ADMIN, resultIn, startRig, until } from './rig.ts';

async function withResult(t: TestContext, language = 'en') {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann', language);
  ann.say('/start');
  await ann.waitForMessage({ has: 'animation' });
  await rig.orders.open(1, 'image_morphing');
  return { rig, ann, video: await resultIn(rig.dir), port: rig.bot.chatPort };
}

const never = new AbortController().signal;

test('the preview plays in the chat: true shape, thumbnail, streaming, signed caption', async (t) => {
  const { rig, ann, video, port } = await withResult(t);
  const outcome = await port.sendPreview(video, 1, never);
  assert.equal(outcome.kind, 'sent');
  const { payload } = rig.server.calls.findLast(({ method }) => method === 'sendVideo') ?? {};
  const { width, height, duration, supports_streaming, video: file, thumbnail } = payload ?? {};
  assert.deepEqual([width, height, duration, supports_streaming], [640, 480, 10, true]);
  assert.equal((file as { bytes: number }).bytes, 20_000);
  assert.ok((thumbnail as { bytes: number }).bytes > 0);
  const message = await ann.waitForMessage({ has: 'video' });
  assert.match(
    message.caption ?? '',
    /^Your morph: 2 transitions · 10 s\n\n✨ Created with @\w+ ✨$/,
  );
  assert.ok(outcome.kind === 'sent' && outcome.message.messageId === message.message_id);
  assert.equal(outcome.message.fileId, message.video?.file_id);
  const actions = rig.server.calls.filter(({ method }) => method === 'sendChatAction');
  assert.equal(actions.at(-1)?.payload['action'], 'upload_video');
});

test('the document is the untouched original, in parts with names of their own', async (t) => {
  const { rig, ann, video, port } = await withResult(t, 'ru');
  const parts: ResultVideo = { ...video, documents: [video.path, join(rig.dir, 'b.mp4')] };
  await writeFile(join(rig.dir, 'b.mp4'), Buffer.alloc(30_000, 2));
  const outcome = await port.sendDocument(parts, 2, never);
  assert.ok(outcome.kind === 'sent' && outcome.message.fileId);
  const { payload = {} } =
    rig.server.calls.findLast(({ method }) => method === 'sendDocument') ?? {};
  assert.equal(payload['disable_content_type_detection'], true);
  const message = await ann.waitForMessage({ has: 'document' });
  assert.equal(message.document?.file_name, 'morph-3-photos-2026-11-22-part-2-of-2.mp4');
  assert.match(message.caption ?? '', /часть 2 из 2\n\n✨ Создано с помощью @\w+ ✨$/);
  assert.deepEqual(
    Buffer.from(rig.server.fileBytes(outcome.message.fileId)),
    Buffer.alloc(30_000, 2),
  );
});

test('the closing words say what was replaced and what came back, and offer another', async (t) => {
  const { ann, video, port } = await withResult(t);
  await port.sendClosing({ ...video, replaced: [2], refunded: stars(4_453) }, never);
  const message = await ann.waitForMessage({
    text: /Transition 2 was replaced by a simpler one of ours/,
  });
  assert.match(message.text ?? '', /44\.53 ⭐ came back/);
  assert.deepEqual(buttonLabels(message), ['✨ Make another']);
});

test('a failed order is told without the words of the provider', async (t) => {
  const { ann, port } = await withResult(t);
  const notice = {
    orderId: 'order1',
    personId: 1,
    serviceType: 'image_morphing',
    kind: 'failed',
    refunded: stars(8_906),
  } as const;
  await port.sendNotice({ ...notice, failure: 'moderation' }, never);
  await ann.waitForMessage({ text: /model refused these photos.*89\.06 ⭐ came back/s });
});

describe('what goes wrong is told in our words:', () => {
  const method = 'sendVideo';

  test('a person who blocked the bot', async (t) => {
    const { rig, ann, video, port } = await withResult(t);
    ann.block();
    assert.deepEqual(await port.sendPreview(video, 1, never), { kind: 'blocked' });
    assert.ok(rig.people.get(1)?.blockedAt);
  });

  test('flood control, with the time Telegram asks for; nothing is repeated here', async (t) => {
    const { rig, video, port } = await withResult(t);
    rig.server.faults.add({ kind: '429', retryAfter: 7, method });
    const outcome = await port.sendPreview(video, 1, never);
    assert.deepEqual(outcome, { kind: 'later', retryAfterMs: 7_000 });
    assert.equal(rig.server.calls.filter((call) => call.method === method).length, 1);
  });

  test('a server in trouble and a cut connection: later, asked once each', async (t) => {
    const { rig, video, port } = await withResult(t);
    for (const kind of ['5xx', 'reset', 'reset-after'] as const) {
      rig.server.faults.add({ kind, method });
      assert.equal((await port.sendPreview(video, 1, never)).kind, 'later', kind);
    }
    assert.equal(rig.server.calls.filter((call) => call.method === method).length, 3);
  });

  test('a file that Telegram will never take', async (t) => {
    const { rig, video, port } = await withResult(t);
    const path = join(rig.dir, 'empty.mp4');
    await writeFile(path, '');
    const outcome = await port.sendDocument({ ...video, documents: [path] }, 1, never);
    assert.deepEqual(outcome, { kind: 'refused' });
  });
});

describe('alarms', () => {
  test('reach every admin in their language, one kind, of models each, once an hour', async (t) => {
    const rig = await startRig(t, { adminIds: [ADMIN, 901, 902] });
    const root = rig.person(ADMIN, 'Root');
    const roman = rig.person(901, 'Роман', 'ru');
    root.say('/start');
    roman.say('/start');
    await until(() => rig.people.size === 2);
    const alarms: Alarm[] = [
      { kind: 'out_of_credit' },
      { kind: 'out_of_credit' },
      { kind: 'order_failed', orderId: 'abc', failure: 'stitching' },
      { kind: 'provider_unauthorized' },
      { kind: 'disk_full' },
      { kind: 'model_drifted', model: 'a/one', fields: ['prompt'] },
      { kind: 'model_drifted', model: 'a/one', fields: ['prompt'] },
      { kind: 'model_drifted', model: 'a/two', fields: ['prompt'] },
    ];
    for (const alarm of alarms) await rig.bot.chatPort.alarm(alarm);
    const told = root.messages().filter(({ text }) => text?.startsWith('⚠️'));
    assert.equal(told.length, 6);
    await roman.waitForMessage({ text: /закончились средства/ });
    await root.waitForMessage({ text: /Order abc failed \(stitching\)/ });
  });

  test('that reached nobody are told when they come again', async (t) => {
    const rig = await startRig(t);
    const root = rig.person(ADMIN, 'Root');
    root.say('/start');
    await root.waitForMessage({ has: 'animation' });
    root.block();
    await rig.bot.chatPort.alarm({ kind: 'disk_full' });
    root.unblock();
    await rig.bot.chatPort.alarm({ kind: 'disk_full' });
    await rig.bot.chatPort.alarm({ kind: 'disk_full' });
    const told = root.messages().filter(({ text }) => text?.startsWith('⚠️'));
    assert.equal(told.length, 1);
  });
});
