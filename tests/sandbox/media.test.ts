import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { BotApiServerOptions } from '../../src/sandbox/bot-api-server.ts';
import { startSandbox, testToken } from '../support/sandbox.ts';
import { call, ok, refusal, upload } from './call.ts';
import { createImage, createVideo } from './fixtures.ts';

const chat_id = 7;

async function start(
  t: TestContext,
  options: Partial<BotApiServerOptions> & { allowViolations?: boolean } = {},
) {
  const server = await startSandbox(t, options);
  server.addUser({ id: chat_id, first_name: 'Ann' });
  return server;
}

test('a photo of a person comes in growing sizes; the largest is the file', async (t) => {
  const server = await start(t);
  const bytes = await createImage(1600, 1200);
  const { photo } = server.sendPhoto(chat_id, bytes, { caption: 'me' });
  assert.deepEqual(
    photo?.map(({ width, height }) => [width, height]),
    [
      [90, 68],
      [320, 240],
      [800, 600],
      [1600, 1200],
    ],
  );
  const largest = photo?.at(-1);
  const file = await ok(call(server, 'getFile', { file_id: largest?.file_id ?? '' }));
  assert.equal(file.file_size, bytes.length);
  const response = await fetch(`${server.url}/file/bot${testToken}/${file.file_path}`);
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
  assert.notEqual(photo?.[0]?.file_size, bytes.length);
});

test('the same file_unique_id can be given to a photo sent twice', async (t) => {
  const server = await start(t);
  const send = (fileUniqueId?: string) =>
    server
      .sendPhoto(chat_id, new Uint8Array([1]), {
        width: 10,
        height: 10,
        ...(fileUniqueId === undefined ? {} : { fileUniqueId }),
      })
      .photo?.at(-1);
  assert.equal(send('same')?.file_unique_id, send('same')?.file_unique_id);
  assert.notEqual(send()?.file_unique_id, send()?.file_unique_id);
});

test('a file above the download limit is refused by getFile, not before', async (t) => {
  const server = await start(t);
  const send = (sizeBytes: number) =>
    server.sendDocument(chat_id, { sizeBytes }, { fileName: 'all.zip' }).document;
  const fits = send(20 * 1024 * 1024);
  assert.equal(fits?.mime_type, 'application/zip');
  await ok(call(server, 'getFile', { file_id: fits?.file_id ?? '' }));
  const tooBig = send(20 * 1024 * 1024 + 1);
  assert.equal(tooBig?.file_size, 20_971_521);
  assert.equal(
    await refusal(call(server, 'getFile', { file_id: tooBig?.file_id ?? '' })),
    '400 Bad Request: file is too big',
  );
  assert.equal(
    await refusal(call(server, 'getFile', { file_id: 'unheard-of' })),
    '400 Bad Request: invalid file_id',
  );
});

test('an uploaded video keeps what the bot says, its thumbnail and its bytes', async (t) => {
  const server = await start(t);
  const bytes = await createVideo({ sound: false });
  const { video } = await ok(
    upload(server, 'sendVideo', {
      chat_id,
      video: { bytes, name: 'morph.mp4' },
      thumbnail: { bytes: await createImage(320, 240), name: 'thumb.jpg' },
      width: 640,
      height: 480,
      duration: 9,
    }),
  );
  assert.deepEqual(
    [video.width, video.height, video.duration, video.mime_type, video.file_name],
    [640, 480, 9, 'video/mp4', 'morph.mp4'],
  );
  assert.equal(video.thumbnail?.width, 320);
  assert.deepEqual(Buffer.from(server.fileBytes(video.file_id)), bytes);
});

test('a file sent by its id is the same file; as another kind it is refused', async (t) => {
  const server = await start(t);
  const { photo } = server.sendPhoto(chat_id, await createImage(50, 50));
  const photoId = photo?.at(-1)?.file_id ?? '';
  const sent = await ok(call(server, 'sendPhoto', { chat_id, photo: photoId, caption: 'yours' }));
  assert.deepEqual(sent.photo, photo);
  assert.equal(sent.caption, 'yours');
  assert.equal(
    await refusal(call(server, 'sendDocument', { chat_id, document: photoId })),
    "400 Bad Request: can't use file of type Photo as Document",
  );
  const unknown = call(server, 'sendVideo', { chat_id, video: 'BAAC-unheard-of' });
  assert.equal(await refusal(unknown), '400 Bad Request: wrong file identifier/HTTP URL specified');
});

test('an mp4 sent as document stays one only without content type detection', async (t) => {
  const server = await start(t);
  const send = async (sound: boolean, disable_content_type_detection: string) => {
    const document = { bytes: await createVideo({ sound }), name: 'morph.mp4' };
    const fields = { chat_id, document, disable_content_type_detection };
    const {
      message_id: _id,
      date: _date,
      chat: _chat,
      from: _from,
      ...content
    } = await ok(upload(server, 'sendDocument', fields));
    return Object.keys(content);
  };
  assert.deepEqual(await send(false, 'true'), ['document']);
  assert.deepEqual(await send(false, 'false'), ['animation', 'document']);
  assert.deepEqual(await send(true, 'false'), ['video']);
});

test('a silent video given by URL becomes an animation; a dead URL is refused', async (t) => {
  const server = await start(t);
  const bytes = await createVideo({ sound: false });
  const host = createServer((request, response) => {
    response.writeHead(request.url === '/clip.mp4' ? 200 : 404, { 'content-type': 'video/mp4' });
    response.end(bytes);
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  t.after(() => {
    host.closeAllConnections();
    host.close();
  });
  const base = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  await ok(call(server, 'sendVideo', { chat_id, video: `${base}/clip.mp4` }));
  assert.equal(server.messages(chat_id)[0]?.animation?.file_name, 'clip.mp4');
  assert.equal(
    await refusal(call(server, 'sendVideo', { chat_id, video: `${base}/none.mp4` })),
    '400 Bad Request: failed to get HTTP URL content',
  );
});

test('photos that Telegram cannot process are refused', async (t) => {
  const server = await start(t);
  const send = (bytes: Uint8Array) =>
    refusal(upload(server, 'sendPhoto', { chat_id, photo: { bytes, name: 'p.jpg' } }));
  assert.equal(await send(Buffer.from('text')), '400 Bad Request: IMAGE_PROCESS_FAILED');
  assert.equal(
    await send(await createImage(2100, 100)),
    '400 Bad Request: PHOTO_INVALID_DIMENSIONS',
  );
  assert.equal(await send(new Uint8Array()), '400 Bad Request: file must be non-empty');
});

test('an upload above the limit is refused with 413 whatever its size', async (t) => {
  const server = await start(t, { maxUploadBytes: 100_000 });
  const send = (sizeBytes: number) => {
    const document = { bytes: new Uint8Array(sizeBytes), name: 'original.bin' };
    return upload(server, 'sendDocument', { chat_id, document });
  };
  await ok(send(100_000));
  assert.equal(await refusal(send(100_001)), '413 Request Entity Too Large');
  assert.equal(await refusal(send(5_000_000)), '413 Request Entity Too Large');
});

test('an upload of 50 MB is taken whole', async (t) => {
  const server = await start(t);
  const bytes = new Uint8Array(50 * 1024 * 1024).fill(7);
  const document = { bytes, name: 'original.bin' };
  const sent = await ok(upload(server, 'sendDocument', { chat_id, document }));
  assert.equal(sent.document.file_size, bytes.length);
  assert.equal(Buffer.compare(server.fileBytes(sent.document.file_id), bytes), 0);
});

test('an album shares one group id and keeps its captions', async (t) => {
  const server = await start(t);
  const image = await createImage(60, 40);
  const media = JSON.stringify([
    { type: 'photo', media: 'attach://one', caption: '<b>first</b>', parse_mode: 'HTML' },
    { type: 'photo', media: 'attach://two' },
  ]);
  const sent = await ok(
    upload(server, 'sendMediaGroup', {
      chat_id,
      media,
      one: { bytes: image, name: '1.jpg' },
      two: { bytes: image, name: '2.jpg' },
    }),
  );
  assert.equal(sent.length, 2);
  const [first, second] = server.messages(chat_id);
  assert.equal(first?.caption, 'first');
  assert.equal(first?.caption_entities?.[0]?.type, 'bold');
  assert.ok(first?.media_group_id);
  assert.equal(second?.media_group_id, first?.media_group_id);
  const [recorded] = server.calls;
  assert.deepEqual(
    (recorded?.payload['media'] as { media: { name: string; bytes: number } }[]).map((item) => [
      item.media.name,
      item.media.bytes,
    ]),
    [
      ['1.jpg', image.length],
      ['2.jpg', image.length],
    ],
  );
});

test('albums of the wrong size or mixture are refused', async (t) => {
  const server = await start(t, { allowViolations: true });
  const { photo } = server.sendPhoto(chat_id, await createImage(10, 10));
  const item = (type: string) => ({ type, media: photo?.at(-1)?.file_id ?? '' });
  const send = (media: unknown[]) => refusal(call(server, 'sendMediaGroup', { chat_id, media }));
  assert.equal(await send([]), '400 Bad Request: there are no messages to send');
  assert.equal(
    await send(Array.from({ length: 11 }, () => item('photo'))),
    '400 Bad Request: too many messages to send as an album',
  );
  assert.equal(
    await send([item('photo'), item('document')]),
    "400 Bad Request: document can't be mixed with other media types",
  );
  assert.match(await send([item('animation')]), /"animation" can't be used in sendMediaGroup/);
});

test('captions above 1024 characters are refused, and editable below', async (t) => {
  const server = await start(t, { allowViolations: true });
  const { photo } = server.sendPhoto(chat_id, await createImage(10, 10));
  const id = photo?.at(-1)?.file_id ?? '';
  const tooLong = call(server, 'sendPhoto', { chat_id, photo: id, caption: 'я'.repeat(1025) });
  assert.equal(await refusal(tooLong), '400 Bad Request: message caption is too long');
  const { message_id } = await ok(call(server, 'sendPhoto', { chat_id, photo: id, caption: 'a' }));
  const edit = () => call(server, 'editMessageCaption', { chat_id, message_id, caption: 'b' });
  await ok(edit());
  assert.match(await refusal(edit()), /message is not modified/);
  assert.match(
    await refusal(call(server, 'editMessageText', { chat_id, message_id, text: 'b' })),
    /there is no text in the message to edit/,
  );
});

test('the media of a message can be exchanged in place', async (t) => {
  const server = await start(t);
  const image = await createImage(60, 40);
  const sent = await ok(
    upload(server, 'sendPhoto', {
      chat_id,
      caption: 'old',
      photo: { bytes: image, name: 'a.jpg' },
    }),
  );
  const { video } = server.sendVideo(chat_id, { sizeBytes: 1000 }, { width: 64, height: 48 });
  const media = { type: 'video' as const, media: video?.file_id ?? '', caption: 'new' };
  const edit = () =>
    call(server, 'editMessageMedia', { chat_id, message_id: sent.message_id, media });
  await ok(edit());
  const [now] = server.messages(chat_id);
  assert.equal(now?.photo, undefined);
  assert.equal(now?.caption, 'new');
  assert.equal(now?.video?.file_id, video?.file_id);
  assert.match(await refusal(edit()), /message is not modified/);
});

test('voice, audio, animation, video and sticker of a person can be fetched again', async (t) => {
  const server = await start(t);
  const sent = [
    server.sendVoice(chat_id, new Uint8Array([1, 2]), { durationSeconds: 3 }).voice,
    server.sendAudio(chat_id, new Uint8Array([1, 2]), { fileName: 'song.mp3' }).audio,
    server.sendAnimation(chat_id, new Uint8Array([1, 2])).animation,
    server.sendVideo(chat_id, new Uint8Array([1, 2])).video,
    server.sendSticker(chat_id).sticker,
  ];
  for (const media of sent) {
    const file = await ok(call(server, 'getFile', { file_id: media?.file_id ?? '' }));
    assert.equal(file.file_size, media?.file_size);
  }
  assert.equal((await ok(call(server, 'getUpdates'))).length, 5);
});

test('a video note is round and has no caption, whoever sends it', async (t) => {
  const server = await start(t);
  const bytes = await createVideo({ sound: true });
  const sent = await ok(
    upload(server, 'sendVideoNote', { chat_id, length: 48, video_note: { bytes, name: 'v.mp4' } }),
  );
  assert.equal(sent.video_note.length, 48);
  assert.equal(sent.video_note.duration, 2);
  const { file_id } = sent.video_note;
  const again = await ok(call(server, 'sendVideoNote', { chat_id, video_note: file_id }));
  assert.deepEqual(again.video_note, sent.video_note);
  assert.equal(server.sendVideoNote(chat_id, bytes, {}).video_note?.file_size, bytes.length);
});

test('a photo may have 10 MB, a file more', async (t) => {
  const server = await start(t);
  const bytes = Buffer.concat([await createImage(64, 64), Buffer.alloc(10 * 1024 * 1024)]);
  const large = { bytes, name: 'large.jpg' };
  assert.equal(
    await refusal(upload(server, 'sendPhoto', { chat_id, photo: large })),
    '400 Bad Request: file is too big',
  );
  const { document } = await ok(upload(server, 'sendDocument', { chat_id, document: large }));
  assert.equal(document.file_size, bytes.length);
});
