import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stars } from '../../src/domain/stars.ts';
import { countPaidLeft, type Movement } from '../../src/ledger/paid-left.ts';

/** `of`: the number of the step that it gives back, takes back or undoes. */
type Step = readonly [
  what: 'pay' | 'gift' | 'charge' | 'refund' | 'back' | 'again' | 'taken',
  amount: number,
  of?: number | null,
];

const pay = (amount: number): Step => ['pay', amount];
const gift = (amount: number): Step => ['gift', amount];
const charge = (amount: number): Step => ['charge', amount];
const refund = (amount: number, of: number): Step => ['refund', amount, of];
const back = (amount: number, of: number): Step => ['back', amount, of];
const again = (amount: number, of: number): Step => ['again', amount, of];

const CASES: readonly (readonly [title: string, steps: readonly Step[], left: number])[] = [
  ['nothing', [], 0],
  ['a payment', [pay(50)], 50],
  ['a gift is not paid', [gift(50)], 0],
  ['gifts are spent first', [pay(50), gift(20), charge(30)], 40],
  ['a later gift pays for no earlier charge', [pay(50), charge(30), gift(50)], 20],
  ['a refund returns what was paid first', [gift(20), pay(50), charge(60), refund(45, 2)], 50],
  ['parts of a refund add up', [gift(20), pay(50), charge(60), refund(30, 2), refund(30, 2)], 50],
  ['a payment that went back', [pay(50), pay(60), back(50, 0)], 60],
  ['and one that did not', [pay(50), back(50, 0), again(50, 1)], 50],
  ['a spent payment that went back is owed', [pay(50), charge(50), back(50, 0), pay(60)], 10],
  [
    'a gift taken back after it was spent pays for nothing',
    [gift(20), charge(20), pay(50), ['taken', 20, 0], charge(10)],
    40,
  ],
];

for (const [title, steps, left] of CASES) {
  test(`of payments is left: ${title}`, () => {
    assert.equal(countPaidLeft(steps.map(toMovement)).total, left);
  });
}

/** What is left of each payment, in their order. */
const EACH: readonly (readonly [title: string, steps: readonly Step[], left: readonly number[]])[] =
  [
    ['nothing was spent', [pay(50), pay(60)], [50, 60]],
    ['either of two may be the spent one', [pay(50), pay(100), charge(45)], [50, 100]],
    ['what came later paid for nothing before', [pay(50), charge(45), pay(50)], [5, 50]],
    ['a gift that came later did not either', [pay(50), charge(45), gift(50)], [5]],
    ['a gift before it did', [gift(50), pay(50), charge(45)], [50]],
    ['what a charge gave back is there again', [pay(50), charge(45), refund(45, 1)], [50]],
    ['in part', [pay(50), charge(45), refund(10, 1)], [15]],
    ['what went back pays for nothing', [pay(50), pay(50), charge(50), back(50, 0)], [0, 0]],
    [
      'what went back and came again does',
      [pay(50), pay(50), charge(50), back(50, 0), again(50, 3)],
      [50, 50],
    ],
    [
      'the next one makes up for what is owed',
      [pay(50), charge(50), back(50, 0), pay(60)],
      [0, 10],
    ],
  ];

for (const [title, steps, left] of EACH) {
  test(`of each payment is left: ${title}`, () => {
    const movements = steps.map(toMovement);
    const paidLeft = countPaidLeft(movements);
    const paid = movements.filter(
      ({ kind, paymentMethod }) => kind === 'top_up' && paymentMethod === 'TelegramStars',
    );
    assert.deepEqual(
      paid.map(({ id }) => paidLeft.of(id)),
      left,
    );
  });
}

test('of two payments of which either is left, one is once the other went back', () => {
  const paidLeft = countPaidLeft([pay(50), pay(100), charge(45)].map(toMovement));
  assert.equal(paidLeft.without(0).of(1), 55);
  assert.equal(paidLeft.without(1).of(0), 5);
});

const MOVEMENTS: Readonly<
  Record<Step[0], readonly [Movement['kind'], Movement['paymentMethod'], 1 | -1]>
> = {
  pay: ['top_up', 'TelegramStars', 1],
  gift: ['top_up', 'Bonus', 1],
  charge: ['charge', 'Internal', -1],
  refund: ['refund', 'Internal', 1],
  back: ['reversal', 'TelegramStars', -1],
  again: ['reinstatement', 'TelegramStars', 1],
  taken: ['reversal', 'Bonus', -1],
};

function toMovement([what, amount, of = null]: Step, id: number): Movement {
  const [kind, paymentMethod, sign] = MOVEMENTS[what];
  const [chargeId, reversesId] = kind === 'refund' ? [of, null] : [null, of];
  return { id, kind, amount: stars(sign * amount), paymentMethod, chargeId, reversesId };
}
