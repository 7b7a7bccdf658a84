import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { and, eq, inArray } from 'drizzle-orm';
import { entries, orders, photos, steps } from '../../src/db/schema.ts';
import { stars } from '../../src/domain/stars.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { refusals, throttled } from '../support/replicate-server.ts';

/** One transition of kling-v1.6-pro, in hundredths of a star. */
const PRICE = 4453;

describe('an order', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig();
  });
  after(() => rig.close());

  it('goes from photos to a delivered video, paid once, every transition bought once', async () => {
    const person = await rig.person(20_000);
    const bought = rig.replicate.predictions.length;
    const order = await rig.order(person, 4, 'loop');
    await rig.until(order, person, 'delivered');

    assert.equal(await rig.balance(person), 20_000 - 4 * PRICE);
    assert.equal(rig.replicate.predictions.length - bought, 4);
    const video = rig.chat.previews.find(({ orderId }) => orderId === order);
    assert.equal(video?.transitions, 4);
    assert.deepEqual(video?.replaced, []);
    assert.ok(video && Math.abs(video.durationSeconds - 20) < 0.5, `${video?.durationSeconds} s`);
    assert.equal(rig.chat.documents.filter((sent) => sent.video.orderId === order).length, 1);
    assert.equal(rig.chat.closings.filter((sent) => sent.orderId === order).length, 1);
  });

  it('is charged exactly what was quoted, and short of stars nothing happens', async () => {
    const person = await rig.person(100);
    const id = await rig.photos(person, 4);
    await rig.answer(person, id, 'gender', 'male');
    const quote = await rig.orders.quote(id, person);
    assert.equal(quote.kind, 'quoted');
    if (quote.kind !== 'quoted') return;
    const shown = quote.options.map(({ mode, transitions, seconds, price }) => ({
      mode,
      transitions,
      seconds,
      price,
    }));
    assert.deepEqual(shown, [
      { mode: 'seamless', transitions: 3, seconds: 15, price: stars(13_359) },
      { mode: 'loop', transitions: 4, seconds: 20, price: stars(17_812) },
    ]);
    const chosen = await rig.orders.choose(id, person, { mode: 'loop' });
    assert.equal(chosen.kind === 'short' && chosen.missing, 17_712);
    const refused = await rig.confirm(id, person);
    assert.equal(refused.kind === 'short' && refused.missing, 17_712);
    assert.equal(await rig.balance(person), 100);

    await rig.ledger.topUp({
      personId: person,
      amount: stars(17_712),
      paymentMethod: 'Admin',
      key: `later:${person}`,
    });
    assert.equal((await rig.confirm(id, person)).kind, 'queued');
    assert.equal(await rig.balance(person), 0);
    await rig.until(id, person, 'delivered');
    const prompts = rig.replicate.predictions.map(({ input }) => String(input['prompt']));
    assert.ok(prompts.at(-1)?.includes('handsome man, masculine features'));
  });

  it('is one order however often and however many at once confirm it', async () => {
    const person = await rig.person(50_000);
    const id = await rig.photos(person, 2);
    await rig.orders.quote(id, person);
    await rig.orders.choose(id, person, { mode: 'seamless' });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => rig.confirm(id, person)));
    assert.equal(outcomes.filter(({ kind }) => kind === 'queued').length, 1);
    assert.equal(outcomes.filter(({ kind }) => kind === 'already').length, 7);
    await rig.until(id, person, 'delivered');
    assert.equal(await rig.balance(person), 50_000 - PRICE);
    assert.equal((await rig.confirm(id, person)).kind, 'already');
  });

  it('does not exist for anybody but its owner', async () => {
    const person = await rig.person(50_000);
    const stranger = await rig.person(50_000);
    const id = await rig.photos(person, 2);
    await rig.orders.quote(id, person);
    await rig.orders.choose(id, person, { mode: 'seamless' });
    assert.equal((await rig.confirm(id, stranger)).kind, 'closed');
    assert.equal((await rig.orders.cancel(id, stranger, rig.request())).kind, 'closed');
    assert.equal((await rig.orders.quote(id, stranger)).kind, 'closed');
    assert.equal(await rig.orders.undo(id, stranger, rig.request()), undefined);
    assert.equal(await rig.orders.find(id, stranger), undefined);
    assert.equal(await rig.balance(stranger), 50_000);
    assert.equal((await rig.orders.cancel(id, person, rig.request())).kind, 'dropped');
  });

  it('tries a failed transition three times, then dissolves it and gives its price back', async () => {
    const person = await rig.person(50_000);
    const bought = rig.replicate.predictions.length;
    const id = await rig.photos(person, 3);
    await rig.orders.quote(id, person);
    await rig.orders.choose(id, person, { mode: 'seamless' });
    let first: string | undefined;
    rig.replicate.script(({ input }) => {
      const start = String(input['start_image']);
      first ??= start;
      return start === first ? { outcome: 'fail', error: 'Something odd' } : undefined;
    });
    await rig.confirm(id, person);
    await rig.until(id, person, 'delivered');
    rig.replicate.script(() => undefined);

    const video = rig.chat.closings.find(({ orderId }) => orderId === id);
    assert.equal(video?.replaced.length, 1);
    assert.equal(video?.refunded, PRICE);
    assert.equal(video?.transitions, 2);
    assert.equal(await rig.balance(person), 50_000 - PRICE);
    assert.ok(rig.replicate.predictions.length - bought >= 4);
    assert.ok(video && Math.abs(video.durationSeconds - 10) < 0.5, `${video?.durationSeconds} s`);
  });

  it('does not repeat what moderation refused, and gives everything back when nothing came out', async () => {
    const person = await rig.person(50_000);
    const bought = rig.replicate.predictions.length;
    rig.replicate.script(() => ({
      outcome: 'fail',
      error: 'The input or output was flagged as sensitive. (E005)',
    }));
    const id = await rig.order(person, 3);
    await rig.until(id, person, 'failed');
    rig.replicate.script(() => undefined);
    await rig.eventually('the person is told', () => {
      return rig.chat.notices.some(({ orderId }) => orderId === id);
    });
    assert.equal(rig.replicate.predictions.length - bought, 2);
    assert.equal(await rig.balance(person), 50_000);
    const notice = rig.chat.notices.find(({ orderId }) => orderId === id);
    assert.equal(notice?.failure, 'moderation');
    assert.equal(notice?.refunded, 2 * PRICE);
  });

  it('adopts the prediction whose create answer was lost, and buys no second one', async () => {
    const person = await rig.person(50_000);
    const bought = rig.replicate.predictions.length;
    rig.replicate.fault('create', { kind: 'reset_after' });
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivered');
    assert.equal(rig.replicate.predictions.length - bought, 1);
    assert.equal(await rig.balance(person), 50_000 - PRICE);
  });

  it('waits through a rate limit and an empty account without using up attempts', async () => {
    const person = await rig.person(50_000);
    const bought = rig.replicate.predictions.length;
    rig.replicate.fault(
      'create',
      refusals.outOfCredit,
      refusals.outOfCredit,
      refusals.outOfCredit,
      throttled(0),
      refusals.outOfCredit,
    );
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivered');
    assert.equal(rig.replicate.predictions.length - bought, 1);
    assert.ok(rig.chat.alarms.some(({ kind }) => kind === 'out_of_credit'));
    assert.equal(await rig.balance(person), 50_000 - PRICE);
  });

  it('renders an output again that was gone before it could be fetched', async () => {
    const person = await rig.person(50_000);
    const bought = rig.replicate.predictions.length;
    rig.replicate.faultDownload({ kind: 'answer', status: 404 });
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivered');
    assert.equal(rig.replicate.predictions.length - bought, 2);
    assert.equal(await rig.balance(person), 50_000 - PRICE);
  });

  it('that has arrived stays paid, though its files are lost before the last words', async () => {
    const person = await rig.person(20_000);
    const sent = { kind: 'sent', message: { messageId: 1, fileId: 'f' } } as const;
    rig.chat.nextOutcomes.push(sent, sent, { kind: 'later', retryAfterMs: 1_500 });
    const order = await rig.order(person, 2);
    await rig.eventually('the original is sent', () =>
      rig.chat.documents.some(({ video }) => video.orderId === order),
    );
    await rm(join(rig.storageRoot, 'orders', order, 'result'), { recursive: true });
    await rig.until(order, person, 'delivered');
    assert.equal(await rig.balance(person), 20_000 - PRICE);
  });

  it('sends nothing twice when the chat asks to wait, and waits for a person who blocked the bot', async () => {
    const person = await rig.person(50_000);
    rig.chat.nextOutcomes.push({ kind: 'later', retryAfterMs: 50 });
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivered');
    assert.equal(rig.chat.previews.filter(({ orderId }) => orderId === id).length, 1);

    const next = await rig.photos(person, 2);
    await rig.orders.quote(next, person);
    await rig.orders.choose(next, person, { mode: 'seamless' });
    rig.chat.nextOutcomes.push({ kind: 'blocked' });
    await rig.confirm(next, person);
    await rig.until(next, person, 'delivering');
    await rig.eventually('the block was noticed', () => rig.chat.nextOutcomes.length === 0);
    assert.equal(rig.chat.previews.filter(({ orderId }) => orderId === next).length, 0);
    await rig.orders.personReturned(person);
    await rig.until(next, person, 'delivered');
    assert.equal(rig.chat.previews.filter(({ orderId }) => orderId === next).length, 1);
  });

  it('is sent once also when several reasons to send it come together', async () => {
    const person = await rig.person(50_000);
    const id = await rig.photos(person, 2);
    await rig.orders.quote(id, person);
    await rig.orders.choose(id, person, { mode: 'seamless' });
    rig.chat.nextOutcomes.push({ kind: 'later', retryAfterMs: 300 });
    await rig.confirm(id, person);
    await rig.eventually('sending was put off', () => rig.chat.nextOutcomes.length === 0);
    await Promise.all([1, 2, 3, 4].map(() => rig.orders.personReturned(person)));
    await rig.until(id, person, 'delivered');
    const mine = <T extends { readonly orderId: string }>(sent: readonly T[]) =>
      sent.filter(({ orderId }) => orderId === id).length;
    assert.equal(mine(rig.chat.previews), 1);
    assert.equal(mine(rig.chat.documents.map(({ video }) => video)), 1);
    assert.equal(mine(rig.chat.closings), 1);
  });

  it('is charged only what was shown: another mode or price is outdated', async () => {
    const person = await rig.person(50_000);
    const id = await rig.photos(person, 3);
    await rig.orders.quote(id, person);
    await rig.orders.choose(id, person, { mode: 'loop' });
    const seamless = { mode: 'seamless', price: stars(2 * PRICE) } as const;
    assert.deepEqual(await rig.orders.confirm(id, person, seamless), { kind: 'outdated' });
    const cheaper = { mode: 'loop', price: stars(PRICE) } as const;
    assert.deepEqual(await rig.orders.confirm(id, person, cheaper), { kind: 'outdated' });
    assert.equal(await rig.balance(person), 50_000);
    await rig.orders.cancel(id, person, rig.request());
  });

  it('asks for a paid output until it comes, and never buys it again', async () => {
    const person = await rig.person(50_000);
    const bought = rig.replicate.predictions.length;
    const away = { kind: 'answer', status: 503 } as const;
    rig.replicate.faultDownload(away, away, away, away, away, away);
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivered');
    assert.equal(rig.replicate.predictions.length - bought, 1);
    assert.equal(await rig.balance(person), 50_000 - PRICE);
  });

  it('survives clips that do not play: they are rendered again, then replaced and refunded', async () => {
    const person = await rig.person(50_000);
    let first: string | undefined;
    rig.replicate.script(({ input }) => {
      const start = String(input['start_image']);
      first ??= start;
      return start === first ? { output: Buffer.from('this is no video') } : undefined;
    });
    const id = await rig.order(person, 3);
    await rig.until(id, person, 'delivered');
    rig.replicate.script(() => undefined);
    const video = rig.chat.closings.find(({ orderId }) => orderId === id);
    assert.equal(video?.replaced.length, 1);
    assert.equal(await rig.balance(person), 50_000 - PRICE);
  });

  it('is one of a hundred confirmed at once with stars for ten: exactly ten are charged and queued', async () => {
    // None ends before the test does.
    rig.replicate.script(() => ({ outcome: 'hang' }));
    const { db } = rig.database;
    const personId = await rig.person(11 * PRICE - 1);
    const orderIds = await quoteMany(rig, personId, 100);
    const outcomes = await Promise.all(orderIds.map((id) => rig.confirm(id, personId)));
    const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
    assert.deepEqual([count('queued'), count('short')], [10, 90]);
    assert.equal(await rig.balance(personId), PRICE - 1);

    const confirmed = orderIds.filter((_, index) => outcomes[index]?.kind === 'queued');
    const again = await Promise.all(confirmed.map((id) => rig.confirm(id, personId)));
    assert.ok(again.every(({ kind }) => kind === 'already'));
    assert.equal(await rig.balance(personId), PRICE - 1);
    const charges = await db
      .select({ orderId: entries.orderId })
      .from(entries)
      .where(and(eq(entries.personId, personId), eq(entries.kind, 'charge')));
    assert.deepEqual(charges.map(({ orderId }) => orderId).sort(), [...confirmed].sort());
    const planned = await db
      .select({ orderId: steps.orderId })
      .from(steps)
      .where(inArray(steps.orderId, orderIds));
    assert.deepEqual(planned.map(({ orderId }) => orderId).sort(), [...confirmed].sort());
  });
});

/** Quoted orders of two photos each: one made as people make them, the others after its pattern. */
async function quoteMany(rig: OrdersRig, personId: number, count: number): Promise<string[]> {
  const { db } = rig.database;
  const first = await rig.photos(personId, 2);
  assert.equal((await rig.orders.quote(first, personId)).kind, 'quoted');
  await rig.orders.choose(first, personId, { mode: 'seamless' });
  const [order] = await db.select().from(orders).where(eq(orders.id, first));
  const pictures = await db.select().from(photos).where(eq(photos.orderId, first));
  assert.ok(order);
  const others = Array.from({ length: count - 1 }, () => randomUUID());
  await db.insert(orders).values(others.map((id) => ({ ...order, id })));
  const copies = others.flatMap((orderId) =>
    pictures.map(({ id: _, ...picture }) => ({ ...picture, orderId })),
  );
  await db.insert(photos).values(copies);
  return [first, ...others];
}
