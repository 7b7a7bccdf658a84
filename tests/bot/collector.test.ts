import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCollector } from '../../src/bot/collector.ts';
import { createTranslator, LOCALES_DIR } from '../../src/bot/i18n.ts';
import { NO_STARS } from '../../src/domain/stars.ts';
import { createCatalogue } from '../../src/services/catalogue.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import { createFakeOrders } from '../support/fake-orders.ts';
import { unused } from '../support/unused.ts';

const HOUR_MS = 3_600_000;

/** A counter of one photo, and what its message was changed to. */
async function atCounter() {
  const catalogue = createCatalogue([imageMorphing], {
    tariff: { starUsd: 0.016, markup: 1.5 },
    morphModel: 'kwaivgi/kling-v1.6-pro',
    isOffered: () => true,
  });
  const orders = createFakeOrders({
    ...{ catalogue, maxPhotos: 20, charge: () => undefined, unblock: () => undefined },
    chat: () => unused('chat'),
    balance: () => NO_STARS,
    genderOf: async () => null,
  });
  const edits: string[] = [];
  const collector = createCollector({
    orders: () => orders,
    catalogue,
    people: {
      find: async (id) => ({
        ...{ id, firstName: 'Ann', username: null, language: 'en', gender: null },
        ...{ blockedAt: null, bannedAt: null, termsVersion: null, invitedBy: null },
      }),
    },
    messenger: {
      send: async () => 7,
      async edit(_chatId, _messageId, { text }) {
        edits.push(text);
        return 'shown';
      },
      put: async () => 7,
      strip: async () => undefined,
      remove: async () => true,
      during: (_chatId, _action, work) => work(),
    },
    translator: createTranslator(LOCALES_DIR),
    terms: { maxPhotos: 20, retentionHours: 72 },
    timings: { editEveryMs: 1, firstMs: 1 },
    log: unused('log'),
  });
  const order = await orders.open(1, 'image_morphing');
  const file = { fileId: 'a', fileUniqueId: 'a', name: null, sizeBytes: null, tooBig: false };
  await orders.addFile(order.id, 1, { messageId: 1, ...file });
  assert.equal(await collector.renew(order), 'shown');
  return { orders, collector, order, edits };
}

test('what is known of a counter is forgotten an hour later, and its message is edited all the same', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: HOUR_MS });
  const { collector, order, edits } = await atCounter();
  await collector.refresh(order);
  assert.deepEqual(edits, [], 'it shows that already');
  t.mock.timers.tick(HOUR_MS);
  await collector.refresh(order);
  assert.equal(edits.length, 1);
  await collector.stop();
});

test('a counter says when no more files fit into its order', async () => {
  const { orders, collector, order, edits } = await atCounter();
  orders.of(1).full = true;
  await collector.refresh(order);
  assert.match(edits[0] ?? '', /^<b>1 photo<\/b>\n\nSo many files .* \/cancel/);
  await collector.stop();
});
