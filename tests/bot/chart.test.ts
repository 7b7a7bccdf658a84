import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { gatherDays } from '../../src/bot/chart/buckets.ts';
import { drawStatsAside } from '../../src/bot/chart/draw-stats-aside.ts';
import { createTranslator, LANGUAGES, LOCALES_DIR } from '../../src/bot/i18n.ts';
import { statsCaption, statsPicture } from '../../src/bot/views/stats.ts';
import { type Stars, stars, sumStars } from '../../src/domain/stars.ts';
import type { DayOfSales, Statistics } from '../../src/ledger/statistics.ts';

const translator = createTranslator(LOCALES_DIR);
const LAST_DAY = Date.UTC(2026, 10, 22);

function days(count: number, orders = 3): DayOfSales[] {
  return Array.from({ length: count }, (_, index) => ({
    day: new Date(LAST_DAY - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10),
    orders,
    revenue: stars(orders * 4_453),
    cost: stars(orders * 2_968),
    refunds: stars(orders * 100),
    paymentsXtr: orders * 50,
    activePeople: orders * 2,
    renders: orders,
    medianRenderSeconds: orders === 0 ? null : 60 + (index % 5) * 10,
  }));
}

function statistics(all: readonly DayOfSales[], changes: Partial<Statistics> = {}): Statistics {
  const sum = (read: (day: DayOfSales) => Stars) => sumStars(all.map(read));
  const count = (read: (day: DayOfSales) => number) => all.reduce((n, day) => n + read(day), 0);
  const [revenue, cost] = [sum((day) => day.revenue), sum((day) => day.cost)];
  return {
    ...{ revenue, cost, margin: stars(revenue - cost), days: all },
    refunds: sum((day) => day.refunds),
    orders: count((day) => day.orders),
    paymentsXtr: count((day) => day.paymentsXtr),
    activePeople: count((day) => day.activePeople),
    payments: all.length,
    reversed: stars(5_000),
    newPeople: 4,
    ordersByState: { delivered: 3, draft: 1 },
    medianRenderSeconds: 84.2,
    ...changes,
  };
}

describe('the picture of a period', () => {
  const periods = [
    ['week', statistics(days(7))],
    ['today', statistics(days(1))],
    ['all', statistics(days(2_000, 40_000))],
    ['month', statistics(days(30, 0), { medianRenderSeconds: null, ordersByState: {} })],
  ] as const;

  for (const language of LANGUAGES) {
    test(`is drawn with little, much and nothing in it (${language})`, async () => {
      for (const [period, sales] of periods) {
        const t = translator(language);
        const png = await drawStatsAside(statsPicture(t, language, period, sales));
        const { width, height, format } = await sharp(png).metadata();
        assert.deepEqual([format, width, height], ['png', 1080, 1280]);
        const { entropy } = await sharp(png).stats();
        assert.ok(entropy > 0.3, 'there is something on it');
        assert.ok(statsCaption(t, language, period, sales).length < 1_024);
      }
    });
  }

  test('has labels and values of one length, and no words missing', () => {
    const t = translator('ru');
    const { panels, tiles, subtitle } = statsPicture(t, 'ru', 'month', statistics(days(30)));
    assert.equal(subtitle.replaceAll(/\s/g, ' '), '24 окт. – 22 нояб. 2026 г., сутки по UTC');
    assert.equal(tiles.length, 6);
    for (const panel of panels) {
      assert.equal(panel.kind, 'time');
      if (panel.kind !== 'time') continue;
      assert.equal(panel.labels.length, 30);
      assert.ok(panel.series.every(({ values }) => values.length === 30));
    }
    assert.deepEqual(
      panels.map(({ title }) => title),
      ['Звёзды по дням', 'Заказы и активные люди по дням', 'Время рендера по дням, с'],
    );
  });

  test('of one day shows what became of its orders', () => {
    const { panels } = statsPicture(translator('en'), 'en', 'today', statistics(days(1)));
    const [money, outcomes] = panels;
    assert.ok(money?.kind === 'list' && outcomes?.kind === 'list');
    assert.deepEqual(
      money.bars.map(({ label, text }) => [label, text]),
      [
        ['Revenue', '133.59'],
        ['Cost', '89.04'],
        ['Margin', '44.55'],
        ['Refunds', '3.00'],
      ],
    );
    assert.deepEqual(
      outcomes.bars.map(({ label, value }) => [label, value]),
      [
        ['Delivered', 3],
        ['In progress', 0],
        ['Not confirmed', 1],
        ['Cancelled', 0],
        ['Failed', 0],
      ],
    );
  });

  test('that cannot be drawn is an error, not a crash', async () => {
    const broken = {
      ...statsPicture(translator('en'), 'en', 'week', statistics(days(7))),
      tiles: 5,
    };
    await assert.rejects(drawStatsAside(broken as never));
  });
});

test('the caption tells the numbers exactly', () => {
  const caption = statsCaption(translator('en'), 'en', 'week', statistics(days(7)));
  assert.match(caption, /Revenue: <b>935\.13 ⭐<\/b> · cost 623\.28 ⭐/);
  assert.match(caption, /Margin: <b>311\.85 ⭐<\/b> \(33 %\)/);
  assert.match(caption, /A step takes 1 min 24 s \(median\)/);
});

describe('days are gathered', () => {
  test('into days, weeks or months, so that no more bars come than fit', () => {
    assert.deepEqual(
      [1, 31, 32, 217, 218, 2_000].map((count) => {
        const { unit, buckets } = gatherDays(days(count));
        return [unit, buckets.length];
      }),
      [
        ['day', 1],
        ['day', 31],
        ['week', 5],
        ['week', 31],
        ['month', 8],
        ['month', 31],
      ],
    );
  });

  test('so that stars add up, and orders and people are those of one day', () => {
    const { buckets } = gatherDays(days(33));
    assert.equal(sumStars(buckets.map(({ cost }) => cost)), 33 * 3 * 2_968);
    assert.deepEqual(
      new Set(buckets.map(({ orders, activePeople }) => `${orders} ${activePeople}`)),
      new Set(['3 6']),
    );
    const { buckets: renders } = gatherDays([
      ...days(32, 0).map((day) => ({ ...day, day: '2026-10-01' })),
      { ...days(1, 1)[0], renders: 3, medianRenderSeconds: 40 },
      { ...days(1, 1)[0], renders: 1, medianRenderSeconds: 80 },
    ] as DayOfSales[]);
    assert.deepEqual(
      renders.map(({ renderSeconds }) => renderSeconds),
      [null, null, null, null, 50],
      'render times are weighed, and unknown where there was none',
    );
    assert.equal(buckets[0]?.from, '2026-10-21');
    assert.equal(buckets.at(-1)?.from, '2026-11-16');
  });
});
