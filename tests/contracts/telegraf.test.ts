import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { Input, Markup, Telegraf } from 'telegraf';
import { createImage, createVideo } from '../sandbox/fixtures.ts';
import { createPerson } from '../support/chat.ts';
import { startSandbox, testToken } from '../support/sandbox.ts';

// An independent client with its own encoding of requests and its own idea of the answers: what
// works for it shows that the server is not merely shaped after grammY.

async function start(t: TestContext) {
  // Some of its requests carry fields of its own, which Telegram ignores. Our answers may not.
  const server = await startSandbox(t, { allowViolations: true });
  t.after(() => {
    const ours = server.violations.filter((one) => / -> result|^update/.test(one));
    assert.deepEqual(ours, []);
  });
  const bot = new Telegraf(testToken, { telegram: { apiRoot: server.url } });
  const failures: unknown[] = [];
  bot.catch((error) => void failures.push(error));
  t.after(() => assert.deepEqual(failures, []));
  const ann = createPerson(server, { id: 7, firstName: 'Ann', language: 'ru' });
  return { server, bot, ann };
}

/** Runs the bot by polling until the test ends. */
async function poll(t: TestContext, bot: Telegraf): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = bot.launch({}, resolve);
  await promise;
  t.after(async () => {
    bot.stop();
    await running;
  });
}

test('telegraf polls, answers a command with buttons, and edits on a press', async (t) => {
  const { bot, ann } = await start(t);
  bot.start((ctx) =>
    ctx.replyWithHTML(
      `<b>Hi</b>, ${ctx.from.first_name} (${ctx.from.language_code})`,
      Markup.inlineKeyboard([Markup.button.callback('Done', 'done')]),
    ),
  );
  bot.action('done', async (ctx) => {
    await ctx.editMessageText('Thanks!');
    await ctx.answerCbQuery('saved', { show_alert: true });
  });
  await poll(t, bot);
  ann.say('/start');
  const hello = await ann.waitForMessage({ text: /Hi, Ann \(ru\)/ });
  assert.deepEqual(hello.entities, [{ type: 'bold', offset: 0, length: 2 }]);
  assert.deepEqual(await ann.press(/Done/), { text: 'saved', showAlert: true });
  assert.equal(ann.lastMessage()?.text, 'Thanks!');
});

test('telegraf downloads the photos of an album and sends an album back', async (t) => {
  const { bot, ann } = await start(t);
  const image = await createImage(1000, 500);
  const downloads: Buffer[] = [];
  bot.on('photo', async (ctx) => {
    const largest = ctx.message.photo.at(-1);
    const link = await ctx.telegram.getFileLink(largest?.file_id ?? '');
    const response = await fetch(link);
    downloads.push(Buffer.from(await response.arrayBuffer()));
    if (downloads.length < 3) return;
    await ctx.replyWithMediaGroup([
      { type: 'photo', media: Input.fromBuffer(image, 'a.jpg'), caption: 'one' },
      { type: 'photo', media: largest?.file_id ?? '' },
    ]);
  });
  await poll(t, bot);
  ann.sendPhotos([image, image, image], { album: true });
  const last = await ann.waitForMessage((message) => message.message_id === 5);
  assert.deepEqual(downloads, [image, image, image]);
  const [first] = ann.messages().filter((message) => message.from.is_bot);
  assert.equal(first?.caption, 'one');
  assert.ok(last.media_group_id);
  assert.equal(last.media_group_id, first?.media_group_id);
});

test('telegraf delivers a video twice, playable and original, and resends by file_id', async (t) => {
  const { server, bot, ann } = await start(t);
  const video = await createVideo({ sound: false });
  const preview = await bot.telegram.sendVideo(ann.id, Input.fromBuffer(video, 'morph.mp4'), {
    width: 64,
    height: 48,
    duration: 2,
    supports_streaming: true,
    thumbnail: Input.fromBuffer(await createImage(320, 240), 'thumb.jpg'),
    caption: 'preview',
  });
  assert.deepEqual(Buffer.from(server.fileBytes(preview.video.file_id)), video);
  assert.equal(preview.video.thumbnail?.width, 320);
  const original = await bot.telegram.sendDocument(
    ann.id,
    Input.fromReadableStream(Readable.from([video]), 'original.mp4'),
    { disable_content_type_detection: true },
  );
  assert.equal(original.document.file_name, 'original.mp4');
  assert.equal(original.document.file_size, video.length);
  const again = await bot.telegram.sendVideo(ann.id, preview.video.file_id);
  assert.equal(again.video.file_unique_id, preview.video.file_unique_id);
});

test('telegraf understands refusals and flood control', async (t) => {
  const { server, bot, ann } = await start(t);
  const sent = await bot.telegram.sendMessage(ann.id, 'same');
  const edit = () => bot.telegram.editMessageText(ann.id, sent.message_id, undefined, 'same');
  await assert.rejects(edit, {
    code: 400,
    description: /^Bad Request: message is not modified/,
  });
  server.faults.add({ kind: '429', retryAfter: 7 });
  await assert.rejects(edit, { code: 429, parameters: { retry_after: 7 } });
  ann.block();
  await assert.rejects(bot.telegram.sendMessage(ann.id, 'x'), {
    code: 403,
    description: 'Forbidden: bot was blocked by the user',
  });
});

test('telegraf behind a webhook checks the secret and may answer in the reply', async (t) => {
  const { bot, ann } = await start(t);
  bot.on('text', (ctx) => ctx.reply(`echo ${ctx.message.text}`));
  bot.telegram.options.webhookReply = true;
  const secretToken = 'a-secret';
  bot.botInfo = await bot.telegram.getMe();
  const host = createServer(bot.webhookCallback('/hook', { secretToken }));
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    host.closeAllConnections();
    host.close();
  });
  const address = host.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}/hook`;
  await bot.telegram.setWebhook(url, { secret_token: secretToken });
  ann.say('hello');
  await ann.waitForMessage({ text: /^echo hello$/ });
  assert.equal((await bot.telegram.getWebhookInfo()).pending_update_count, 0);
});

test('telegraf sets commands, descriptions and the menu button', async (t) => {
  const { bot, ann } = await start(t);
  const commands = [{ command: 'start', description: 'Begin' }];
  const scope = { type: 'chat' as const, chat_id: ann.id };
  await bot.telegram.setMyCommands(commands, { scope, language_code: 'en' });
  assert.deepEqual(await bot.telegram.getMyCommands({ scope, language_code: 'en' }), commands);
  await bot.telegram.setMyDescription('Morphs photos');
  assert.deepEqual(await bot.telegram.getMyDescription(), { description: 'Morphs photos' });
  await bot.telegram.setChatMenuButton({ chatId: ann.id, menuButton: { type: 'commands' } });
  assert.deepEqual(await bot.telegram.getChatMenuButton({ chatId: ann.id }), { type: 'commands' });
});
