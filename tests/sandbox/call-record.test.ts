import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallRecord } from '../../src/sandbox/http/call-record.ts';

test('the latest calls are kept, and keep their numbers when older ones are forgotten', () => {
  const record = createCallRecord();
  for (let count = 0; count < 12_000; count += 1) record.begin('getUpdates');
  record.begin('sendMessage').status = 200;
  assert.equal(record.calls.length, 5_000);
  assert.equal(record.calls[0]?.number, 7_001);
  const { number, method, status } = record.calls.at(-1) ?? {};
  assert.deepEqual(
    { number, method, status },
    { number: 12_000, method: 'sendMessage', status: 200 },
  );
});
