import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createImage } from '../sandbox/fixtures.ts';
import { createPerson } from '../support/chat.ts';
import { startSandbox, testToken } from '../support/sandbox.ts';

/**
 * Starts an ordinary bot, written with a library of its own, and returns what stops it. The bot:
 *
 * - `/start`: greets in HTML, "Hi" in bold, with a button `Done` of the data `done`
 * - a press of `done`: edits the greeting into "Thanks!" and answers "saved" as an alert
 * - `/price`: says "5.00 stars" in MarkdownV2, "5.00" in bold
 * - a photo: downloads it; after every second one it sends both back as an album, the first
 *   uploaded and with the caption "one", the second by its file_id
 * - `/draw`: uploads the last photo with the caption "drawn" and edits it into a file `drawn.txt`
 *   of the text "drawn"
 * - `/buy`: sends an invoice of the payload "order" over ten Stars, agrees to its payment, and
 *   says "Paid 10" when it is paid
 * - `/refund`: gives the last payment back and says "Refunded"
 */
export type StartBot = (apiRoot: string, token: string) => Promise<() => Promise<void>>;

/**
 * Defines the tests of an ordinary bot. What an independent client can do here, with its own
 * encoding of requests and its own idea of the answers, shows that the server is not shaped around
 * one library.
 */
export function testOrdinaryBot(library: string, startBot: StartBot): void {
  async function start(t: TestContext) {
    // Requests may carry fields of the library's own, which Telegram ignores. Our answers may not.
    const server = await startSandbox(t, { allowViolations: true });
    t.after(() => {
      const ours = server.violations.filter((one) => / -> result|^update/.test(one));
      assert.deepEqual(ours, []);
      const refused = server.calls.filter(({ status }) => status >= 400);
      assert.deepEqual(refused, []);
    });
    const ann = createPerson(server, { id: 7, firstName: 'Ann', language: 'en' });
    const stop = await startBot(server.url, testToken);
    t.after(async () => {
      const stopped = stop();
      // Ends the poll under way, which not every library cuts off.
      ann.say('bye');
      await stopped;
    });
    return { server, ann };
  }

  test(`${library}: HTML, MarkdownV2, a keyboard and its presses`, async (t) => {
    const { ann } = await start(t);
    ann.say('/start');
    const hello = await ann.waitForMessage({ text: /^Hi, Ann$/ });
    assert.deepEqual(hello.entities, [{ type: 'bold', offset: 0, length: 2 }]);
    assert.deepEqual(await ann.press(/Done/), { text: 'saved', showAlert: true });
    assert.equal(ann.lastMessage()?.text, 'Thanks!');
    ann.say('/price');
    const price = await ann.waitForMessage({ text: /^5\.00 stars$/ });
    assert.deepEqual(price.entities, [{ type: 'bold', offset: 0, length: 4 }]);
  });

  test(`${library}: downloads, an album, an upload edited into another`, async (t) => {
    const { server, ann } = await start(t);
    const image = await createImage(200, 100);
    const [, second] = ann.sendPhotos([image, image], { album: true });
    const last = await ann.waitForMessage((message) => message.message_id === 4);
    assert.equal(last.photo?.at(-1)?.file_id, second?.photo?.at(-1)?.file_id);
    const [first] = ann.messages().filter((message) => message.from.is_bot);
    assert.equal(first?.caption, 'one');
    assert.equal(first?.media_group_id, last.media_group_id);
    assert.ok(last.media_group_id);
    assert.deepEqual(Buffer.from(server.fileBytes(first?.photo?.at(-1)?.file_id ?? '')), image);

    ann.say('/draw');
    const drawn = await ann.waitForMessage({ has: 'document' }, { after: last });
    assert.equal(drawn.document?.file_name, 'drawn.txt');
    assert.equal(drawn.photo, undefined);
    assert.equal(server.fileBytes(drawn.document?.file_id ?? '').toString(), 'drawn');
  });

  test(`${library}: an invoice, its payment and its refund`, async (t) => {
    const { ann } = await start(t);
    ann.addStars(15);
    ann.say('/buy');
    assert.equal((await ann.pay()).kind, 'paid');
    await ann.waitForMessage({ text: /^Paid 10$/ });
    assert.equal(ann.stars(), 5);
    ann.say('/refund');
    await ann.waitForMessage({ text: /^Refunded$/ });
    assert.equal(ann.stars(), 15);
    assert.equal(
      ann.transcript(),
      [
        'Ann: /buy',
        'Morphogram: (invoice Ten stars, 10 ⭐)',
        '            [Pay ⭐️10]',
        'Ann: (paid 10 ⭐)',
        'Morphogram: Paid 10',
        'Ann: /refund',
        'Morphogram: (got back 10 ⭐)',
        'Morphogram: Refunded',
      ].join('\n'),
    );
  });
}
