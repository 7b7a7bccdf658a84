import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Bot, InlineKeyboard, InputFile } from 'grammy';
import sharp from 'sharp';
import { createPerson } from '../support/chat.ts';
import { startSandbox, testToken } from '../support/sandbox.ts';

async function startBot(t: TestContext) {
  const server = await startSandbox(t);
  const bot = new Bot(testToken, { client: { apiRoot: server.url } });
  t.after(() => bot.stop());
  return { server, bot, ann: createPerson(server, { id: 7, firstName: 'Ann', language: 'en' }) };
}

const redPhoto = () =>
  sharp({ create: { width: 1000, height: 500, channels: 3, background: '#f00' } })
    .jpeg()
    .toBuffer();

test('a person talks with a grammY bot: command, button, edit, file, album', async (t) => {
  const { server, bot, ann } = await startBot(t);
  const photo = await redPhoto();
  bot.command('start', (ctx) =>
    ctx.reply('<b>Hi</b>, send photos', {
      parse_mode: 'HTML',
      reply_markup: new InlineKeyboard().text('Done', 'done').url('Help', 'https://example.org'),
    }),
  );
  bot.callbackQuery('done', async (ctx) => {
    await ctx.editMessageText('Thanks!');
    await ctx.answerCallbackQuery('saved');
    const file = new InputFile(Buffer.from('all of it'), 'list of photos.txt');
    await ctx.replyWithDocument(file, { caption: 'the list' });
  });
  bot.on('message:photo', async (ctx) => {
    const { file_path } = await ctx.getFile();
    const response = await fetch(`${server.url}/file/bot${testToken}/${file_path}`);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), photo);
    await ctx.reply(`${ctx.msg.photo.length} sizes in album ${ctx.msg.media_group_id}`);
  });
  void bot.start();

  ann.say('/start');
  assert.equal((await ann.waitForMessage({ text: /Hi/ })).text, 'Hi, send photos');
  assert.deepEqual(await ann.press(/Done/), { text: 'saved' });
  const list = await ann.waitForMessage({ has: 'document' });
  assert.equal(server.fileBytes(list.document?.file_id ?? '').toString(), 'all of it');
  const [first] = ann.sendPhotos([photo, photo], { album: true });
  const answer = await ann.waitForMessage({ text: /sizes/ });
  await ann.waitForMessage({ text: /sizes/ }, { after: answer });
  const album = first?.media_group_id;
  assert.equal(
    ann.transcript(),
    [
      'Ann: /start',
      'Morphogram: Thanks!',
      'Morphogram: (file list of photos.txt, 9 bytes)',
      '            the list',
      'Ann: (photo 1000x500)',
      'Ann: (photo 1000x500)',
      `Morphogram: 4 sizes in album ${album}`,
      `Morphogram: 4 sizes in album ${album}`,
    ].join('\n'),
  );
});

test('photos go out in albums of ten, and may arrive in reverse', async (t) => {
  const { server, bot, ann } = await startBot(t);
  const photo = await redPhoto();
  const sent = ann.sendPhotos(
    Array.from({ length: 12 }, () => photo),
    { album: true, isReversed: true },
  );
  assert.deepEqual(
    sent.map(({ message_id, media_group_id }) => [
      message_id,
      media_group_id === sent[0]?.media_group_id,
    ]),
    Array.from({ length: 12 }, (_, index) => [index + 1, index < 10]),
  );
  const arrived = (await bot.api.getUpdates()).map(({ message }) => message?.message_id);
  assert.deepEqual(arrived, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  ann.say('afterwards');
  assert.equal(server.world.updates.waiting().length, 13);
});

test('waiting in vain fails with the chat in the error', async (t) => {
  const { ann } = await startBot(t);
  ann.say('anybody?');
  await assert.rejects(ann.waitForMessage({ text: /yes/ }, { timeoutMs: 20 }), (error: Error) => {
    assert.match(error.message, /Ann waited 20 ms for a message with text \/yes\//);
    assert.match(error.message, /Ann: anybody\?/);
    return true;
  });
});

test('waits see edits in place, deletions, and only messages after a given one', async (t) => {
  const { bot, ann } = await startBot(t);
  const sent = await bot.api.sendMessage(ann.id, 'working');
  const edited = ann.waitForMessage({ text: /finished/ });
  await bot.api.editMessageText(ann.id, sent.message_id, 'finished');
  assert.equal((await edited).message_id, sent.message_id);

  const next = ann.waitForMessage({ text: /finished/ }, { after: sent });
  await bot.api.sendMessage(ann.id, 'finished again');
  assert.equal((await next).message_id, sent.message_id + 1);

  const gone = ann.waitUntilGone({ text: /again/ });
  await bot.api.deleteMessage(ann.id, sent.message_id + 1);
  await gone;
  assert.equal(ann.lastMessage()?.message_id, sent.message_id);
});

test('a press nobody answers is rejected', async (t) => {
  const { bot, ann } = await startBot(t);
  await bot.api.sendMessage(ann.id, 'menu', {
    reply_markup: new InlineKeyboard().text('First', 'a').text('Second', 'b'),
  });
  await assert.rejects(ann.press(/Second/, { timeoutMs: 30 }), /was not answered within 30 ms/);
});
