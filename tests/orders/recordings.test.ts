import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eq } from 'drizzle-orm';
import { recordings } from '../../src/db/schema.ts';
import { createSounds } from '../../src/media/sounds.ts';
import { createFileStorage } from '../../src/media/storage.ts';
import { recordingInputKey } from '../../src/orders/keys.ts';
import { receiveRecording } from '../../src/orders/receive-recording.ts';
import { SERVICES } from '../../src/services/index.ts';
import type { Service } from '../../src/services/service.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { quickTools } from '../support/quick-tools.ts';
import { makeSound, type SoundOptions } from '../support/sound-files.ts';

/** Takes five seconds and no more. */
const services: readonly Service[] = SERVICES.map(
  (service: Service): Service => ({
    ...service,
    questions: service.questions.map((question) =>
      question.kind === 'recording' ? { ...question, maxSeconds: 5 } : question,
    ),
  }),
);

describe('a recording', () => {
  let rig: OrdersRig;
  let directory: string;
  before(async () => {
    rig = await startOrdersRig({ services });
    directory = await mkdtemp(join(tmpdir(), 'morphogram-sounds-'));
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
    await rig.close();
  });

  const sound = async (name: string, options?: SoundOptions) =>
    readFile(await makeSound(await quickTools(), directory, name, options));
  const open = async (stars = 0) => {
    const person = await rig.person(stars);
    const { id } = await rig.orders.open(person, 'voice_to_text');
    return { person, id };
  };

  it('is measured, priced by the started minute, and becomes the text it says', async () => {
    const { person, id } = await open(50_000);
    assert.deepEqual(await rig.recording(person, id, await sound('a.ogg', { seconds: 2.4 })), {
      kind: 'ready',
    });
    const quote = await rig.orders.quote(id, person);
    assert.equal(quote.kind === 'quoted' && quote.options[0]?.price, 56);
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
    const [result] = rig.sent(id, 'preview');
    assert.deepEqual(result?.kind === 'text' && result.messages, ['Hello, this is what was said.']);
    assert.equal(await rig.orders.resultText(id, person), 'Hello, this is what was said.');
    assert.equal(await rig.orders.resultText(id, await rig.person(0)), undefined);
    assert.equal(await rig.balance(person), 50_000 - 56);
    const [row] = await rig.database.db.select().from(recordings).where(eq(recordings.orderId, id));
    assert.equal(row?.seconds, 3);
  });

  it('that is too long or none is refused with the reason, and nothing can be quoted', async () => {
    const { person, id } = await open();
    assert.deepEqual(await rig.recording(person, id, await sound('b.mp3', { seconds: 6 })), {
      kind: 'refused',
      reason: 'too_long',
      maxSeconds: 5,
    });
    assert.deepEqual(await rig.recording(person, id, Buffer.from('no sound at all')), {
      kind: 'refused',
      reason: 'not_a_recording',
      maxSeconds: 5,
    });
    const silent = await sound('c.mp4', { seconds: 1, mute: true, picture: true });
    const heard = await rig.recording(person, id, silent);
    assert.equal(heard.kind === 'refused' && heard.reason, 'no_sound');
    assert.equal((await rig.orders.quote(id, person)).kind, 'incomplete');
    rig.chat.nextFetches.push({ kind: 'gone' });
    const lost = await rig.recording(person, id, Buffer.from(''));
    assert.equal(lost.kind === 'refused' && lost.reason, 'download_failed');
  });

  it('counts as the last one sent: a video after a voice message', async () => {
    const { person, id } = await open();
    await rig.recording(person, id, await sound('d.ogg', { seconds: 1 }));
    assert.equal((await rig.orders.quote(id, person)).kind, 'quoted');
    const video = await sound('e.mp4', { seconds: 3, picture: true });
    assert.deepEqual(await rig.recording(person, id, video), { kind: 'ready' });
    assert.equal((await rig.orders.find(id, person))?.state, 'draft');
    const rows = await rig.database.db
      .select()
      .from(recordings)
      .where(eq(recordings.orderId, id))
      .orderBy(recordings.id);
    assert.deepEqual(
      rows.map(({ state, seconds }) => [state, seconds]),
      [
        ['replaced', 1],
        ['ready', 3],
      ],
    );
  });

  it('is listened to again when that was interrupted, and twice is as good as once', async () => {
    const { person, id } = await open();
    const { fetchFile } = rig.chat;
    rig.chat.fetchFile = async (...asked) => {
      rig.chat.fetchFile = fetchFile;
      await fetchFile(...asked);
      throw new Error('Killed half-way');
    };
    assert.deepEqual(await rig.recording(person, id, await sound('f.ogg', { seconds: 2 })), {
      kind: 'ready',
    });
    // The failure was reported, as it has to be; it is no surprise here.
    assert.match(String(rig.failures.splice(0)), /Killed half-way/);
    const read = () => rig.database.db.select().from(recordings).where(eq(recordings.orderId, id));
    const [row] = await read();
    assert.ok(row);
    await rig.database.db.transaction((tx) =>
      rig.queue.send(tx, 'recording', [
        { data: { recordingId: row.id } },
        { data: { recordingId: row.id } },
      ]),
    );
    await rig.recording(person, id, await sound('g.ogg', { seconds: 1 }));
    assert.deepEqual((await read()).map(({ state }) => state).sort(), ['ready', 'replaced']);
  });

  it('keeps its files when a worker that was late comes after it was bought', async () => {
    const { person, id } = await open(50_000);
    const { fetchFile } = rig.chat;
    const begun = Promise.withResolvers<void>();
    const bought = Promise.withResolvers<void>();
    rig.chat.fetchFile = async (...asked) => {
      await begun.promise;
      return fetchFile(...asked);
    };
    const sounds = createSounds(await quickTools());
    const storage = createFileStorage(rig.storageRoot);
    rig.chat.files.set('late', await sound('h.ogg', { seconds: 1 }));
    await rig.orders.addRecording(id, person, {
      ...{ messageId: 1, fileId: 'late', fileUniqueId: 'late', name: null },
      ...{ sizeBytes: null, tooBig: false },
    });
    const [row] = await rig.database.db.select().from(recordings).where(eq(recordings.orderId, id));
    const late = receiveRecording(
      {
        ...{ db: rig.database.db, queue: rig.queue, storage, sounds },
        ...{ catalogue: rig.catalogue, retryMs: 20 },
        chat: {
          alarm: rig.chat.alarm,
          async fetchFile(...asked) {
            begun.resolve();
            await bought.promise;
            return fetchFile(...asked);
          },
        },
      },
      row?.id ?? 0,
      AbortSignal.timeout(60_000),
    );
    assert.deepEqual(await rig.orders.received(id, person), { kind: 'ready' });
    rig.chat.fetchFile = fetchFile;
    await rig.buy(person, id);
    bought.resolve();
    await late;
    assert.ok(await storage.exists(recordingInputKey(id, row?.id ?? 0)));
    await rig.until(id, person, 'delivered');
  });

  it('is taken only where one is asked for', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'text_to_speech');
    assert.deepEqual(
      await rig.orders.addRecording(id, person, {
        ...{ messageId: 1, fileId: 'x', fileUniqueId: 'x', name: null },
        ...{ sizeBytes: null, tooBig: false },
      }),
      'closed',
    );
  });
});
