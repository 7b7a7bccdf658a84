import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pauseAfter } from '../../src/orders/pause-after.ts';

describe('the pause after a failure', () => {
  it('doubles with each failure in a row, up to a minute', () => {
    const pauses = [0, 1, 2, 3, 100].map((tries) => pauseAfter({ kind: 'network' }, tries, 5_000));
    assert.deepEqual(pauses, [5_000, 10_000, 20_000, 40_000, 60_000]);
    assert.equal(pauseAfter(undefined, 0, 5_000), 5_000);
  });

  it('is what the provider asks for, up to five minutes', () => {
    const asked = [700, 90_000, 3_600_000].map((retryAfterMs) =>
      pauseAfter({ kind: 'rate_limit', retryAfterMs }, 3, 5_000),
    );
    assert.deepEqual(asked, [700, 90_000, 300_000]);
  });

  it('is our own when the provider asks for none: else it would be asked without end or pause', () => {
    const pauses = [0, 1, 100].map((tries) =>
      pauseAfter({ kind: 'rate_limit', retryAfterMs: 0 }, tries, 5_000),
    );
    assert.deepEqual(pauses, [5_000, 10_000, 60_000]);
  });
});
