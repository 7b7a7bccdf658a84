import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERIODS, periodStart } from '../../src/domain/period.ts';

test('a period begins at a midnight of UTC, and has today in it', () => {
  const starts = (now: string) =>
    PERIODS.map((period) => periodStart(period, new Date(now))?.toISOString() ?? null);
  const expected = [
    '2026-03-01T00:00:00.000Z',
    '2026-02-23T00:00:00.000Z',
    '2026-01-31T00:00:00.000Z',
    null,
  ];
  assert.deepEqual(starts('2026-03-01T00:00:00Z'), expected);
  assert.deepEqual(starts('2026-03-01T23:59:59.999Z'), expected);
  assert.deepEqual(starts('2026-03-02T00:59:00+01:00'), expected);
});
