import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stars } from '../../src/domain/stars.ts';
import { countPaidLeft, type Movement } from '../../src/ledger/paid-left.ts';

type Step = readonly [what: string, amount: number, chargeId?: number];

const CASES: readonly (readonly [title: string, steps: readonly Step[], left: number])[] = [
  ['nothing', [], 0],
  ['a payment', [['pay', 50]], 50],
  ['a gift is not paid', [['gift', 50]], 0],
  [
    'gifts are spent first',
    [
      ['pay', 50],
      ['gift', 20],
      ['charge', 30],
    ],
    40,
  ],
  [
    'a later gift pays for no earlier charge',
    [
      ['pay', 50],
      ['charge', 30],
      ['gift', 50],
    ],
    20,
  ],
  [
    'a refund returns what was paid first',
    [
      ['gift', 20],
      ['pay', 50],
      ['charge', 60],
      ['refund', 45, 2],
    ],
    50,
  ],
  [
    'parts of a refund add up',
    [
      ['gift', 20],
      ['pay', 50],
      ['charge', 60],
      ['refund', 30, 2],
      ['refund', 30, 2],
    ],
    50,
  ],
  [
    'a payment that went back',
    [
      ['pay', 50],
      ['pay', 60],
      ['back', 50],
    ],
    60,
  ],
  [
    'and one that did not',
    [
      ['pay', 50],
      ['back', 50],
      ['again', 50],
    ],
    50,
  ],
  [
    'a spent payment that went back is owed',
    [
      ['pay', 50],
      ['charge', 50],
      ['back', 50],
      ['pay', 60],
    ],
    10,
  ],
  [
    'a gift taken back after it was spent pays for nothing',
    [
      ['gift', 20],
      ['charge', 20],
      ['pay', 50],
      ['taken', 20],
      ['charge', 10],
    ],
    40,
  ],
];

for (const [title, steps, left] of CASES) {
  test(`of payments is left: ${title}`, () => {
    assert.equal(countPaidLeft(steps.map(toMovement)), left);
  });
}

const MOVEMENTS: Readonly<
  Record<string, readonly [Movement['kind'], Movement['paymentMethod'], 1 | -1]>
> = {
  pay: ['top_up', 'TelegramStars', 1],
  gift: ['top_up', 'Bonus', 1],
  charge: ['charge', 'Internal', -1],
  refund: ['refund', 'Internal', 1],
  back: ['reversal', 'TelegramStars', -1],
  again: ['reinstatement', 'TelegramStars', 1],
  taken: ['reversal', 'Bonus', -1],
};

function toMovement([what, amount, chargeId]: Step, id: number): Movement {
  const movement = MOVEMENTS[what];
  assert.ok(movement);
  const [kind, paymentMethod, sign] = movement;
  return { id, kind, amount: stars(sign * amount), paymentMethod, chargeId: chargeId ?? null };
}
