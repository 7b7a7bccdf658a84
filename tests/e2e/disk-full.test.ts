import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import sharp from 'sharp';
import { ON_SERVER } from '../support/database.ts';
import {
  accepted,
  assertNothingBoughtTwice,
  beginMorph,
  makePhotos,
  meet,
  PATIENCE,
  receiveMorph,
  until,
  words,
} from '../support/morphs.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { prepareWhole } from '../support/whole.ts';

const DISK_BYTES = 192e6;
/** Small files and the database still fit; it counts as full all the same. */
const NEARLY_FULL_BYTES = 5e6;
const ALARM = /disk is full/;

/** A picture larger than what is left of a nearly full disk. */
function makeLargePhoto(): Promise<Buffer> {
  const size = { width: 1500, height: 1500, channels: 3 } as const;
  const noise = randomBytes(size.width * size.height * size.channels);
  return sharp(noise, { raw: size }).png({ compressionLevel: 0 }).toBuffer();
}

it('a full disk costs nobody anything but time', async (t) => {
  if (ON_SERVER) return t.skip('the database lies elsewhere');
  const disk = await mountSmallDisk(DISK_BYTES);
  if (typeof disk === 'string') return t.skip(disk);
  // After the hooks that are added below.
  t.after(() => t.after(() => disk.remove()));
  const whole = await prepareWhole(t, { quick: true, directory: disk.path });
  const { admin, replicate, telegram } = whole;
  await whole.start();
  admin.say('/start');
  const ann = await meet(whole, { stars: '200' });
  await beginMorph(ann);

  await t.test('with no byte left what comes is kept, and its sender is told so', async () => {
    await disk.fill(0);
    ann.sendPhotos(await makePhotos(2), { album: true });
    await ann.waitForMessage({ text: /storage is full.*What you sent is kept/ }, PATIENCE);
    await admin.waitForMessage({ text: ALARM }, PATIENCE);
    await disk.clear();
    await ann.waitForMessage({ text: words.en.counted(2) }, PATIENCE);
  });

  await t.test(
    'a photo too large for what is left arrives later, and so does the quote',
    async () => {
      await disk.fill(NEARLY_FULL_BYTES);
      ann.sendFile(await makeLargePhoto(), 'large.png', 'image/png');
      await ann.waitForMessage({ text: /1 arriving/ }, PATIENCE);
      await ann.press(words.en.done, PATIENCE);
      await ann.waitForMessage({ text: /storage is full.*try again a little later/ }, PATIENCE);
      await disk.clear();
      await ann.waitForMessage({ text: words.en.counted(3) }, PATIENCE);
      await ann.press(words.en.done, PATIENCE);
      await ann.press(words.en.seamless, PATIENCE);
    },
  );

  await t.test(
    'clips wait at the provider, nothing more is bought, and the video comes',
    async () => {
      await disk.fill(NEARLY_FULL_BYTES);
      await ann.press(words.en.confirm, PATIENCE);
      await until(
        () => replicate.predictions.some(({ completedAt }) => completedAt),
        'a clip waits',
      );
      await ann.waitForMessage({ text: /service is busy/ }, PATIENCE);
      assert.equal(accepted(telegram, 'sendVideo', ann.id).length, 0);
      await disk.clear();
      await receiveMorph(ann);
    },
  );

  assert.equal(accepted(telegram, 'sendVideo', ann.id).length, 1);
  assert.equal(replicate.predictions.length, 2);
  assertNothingBoughtTwice(replicate);
  const alarms = admin.messages().filter(({ text }) => ALARM.test(text ?? ''));
  assert.equal(alarms.length, 1);
  await whole.stop();
  await whole.audit();
});
