import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeOrderPress,
  decodeTermsPress,
  encodeOrderPress,
  encodeTermsPress,
  type OrderPress,
  TERMS_PREFIX,
  type TermsPress,
} from '../../src/bot/callback-data.ts';
import { stars } from '../../src/domain/stars.ts';

const LONGEST_ID = 'x'.repeat(32);

const PRESSES: readonly OrderPress[] = [
  ...(
    ['done', 'undo', 'clear', 'cancel', 'add', 'back', 'continue', 'topup', 'status'] as const
  ).map((action) => ({ action, orderId: LONGEST_ID })),
  { action: 'mode', orderId: 'a1', mode: 'seamless' },
  { action: 'mode', orderId: LONGEST_ID, mode: 'loop' },
  { action: 'confirm', orderId: 'a1', mode: 'seamless', price: stars(0), quote: '' },
  {
    ...{ action: 'confirm', orderId: LONGEST_ID, mode: 'loop' },
    ...{ price: stars(9_999_999_999), quote: '0123abcd' },
  },
  { action: 'pay', orderId: 'a1', mode: 'seamless', price: stars(4_453) },
  { action: 'pay', orderId: LONGEST_ID, mode: 'loop', price: stars(9_999_999_999) },
  { action: 'gender', orderId: 'a1', gender: 'male' },
  { action: 'gender_done', orderId: LONGEST_ID, gender: 'female' },
  { action: 'partial', orderId: LONGEST_ID, accept: true },
  { action: 'partial', orderId: 'a1', accept: false },
];

test('every press comes back as it was, within 64 bytes', () => {
  for (const press of PRESSES) {
    const data = encodeOrderPress(press);
    assert.ok(Buffer.byteLength(data) <= 64, data);
    assert.deepEqual(decodeOrderPress(data), press);
  }
});

test('forged data is nothing', () => {
  const forged = [
    undefined,
    '',
    'o',
    'o:done',
    'o:done:',
    'o:done:a:b',
    'o:mode:a',
    'o:mode:a:backwards',
    'o:gender:a:other',
    'o:partial:a:maybe',
    'o:grant:a',
    'o:confirm:a',
    'o:confirm:a:s',
    'o:confirm:a:x:100',
    'o:confirm:a:loop:100',
    'o:confirm:a:l:-1',
    'o:confirm:a:l:1.5',
    'o:confirm:a:l:007',
    'o:confirm:a:l:99999999999',
    'o:confirm:a:100',
    'o:confirm:a:l:100:',
    'o:confirm:a:l:100:0123abc',
    'o:confirm:a:l:100:0123ABCD',
    'o:confirm:a:l:100:0123abcd0',
    'o:pay:a:l:100:0123abcd',
    'o:mode:a:loop:100:0123abcd',
    'o:pay:a',
    'o:pay:a:l:-1',
    'o:pay:a:x:100',
    'o:mode:a:loop:100',
    'o:done:a:s:100',
    "o:done:a' or 1=1",
    `o:done:${'a'.repeat(33)}`,
    'x:done:a',
    'o:done:a\n',
  ];
  for (const data of forged) assert.equal(decodeOrderPress(data), undefined, String(data));
});

test('accepting the terms keeps what was about to be paid, within 64 bytes', () => {
  const order = { kind: 'order', orderId: LONGEST_ID, mode: 'loop' } as const;
  const presses: TermsPress[] = [
    { version: '1', purchase: { kind: 'none' } },
    { version: '1', purchase: { kind: 'pack', amountXtr: 10_000 } },
    { version: '12345678', purchase: { ...order, price: stars(9_999_999_999) } },
  ];
  for (const press of presses) {
    const data = encodeTermsPress(press);
    assert.ok(Buffer.byteLength(data) <= 64, data);
    const [prefix, value = ''] = data.split(/:(.*)/, 2);
    assert.equal(prefix, TERMS_PREFIX);
    assert.deepEqual(decodeTermsPress(value), press);
  }
});

test('forged terms are nothing', () => {
  for (const value of [
    ...['', '1', '1:pack', '1:pack:0', '1:pack:-5', '1:pack:1.5', '1:pack:50:order', '1:none:5'],
    ...['1:s:100', '1:x:100:order', '1:s:0:order', '1:s:100:or der', '123456789:pack:50'],
  ]) {
    assert.equal(decodeTermsPress(value), undefined, value);
  }
});
