import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTickets, type Tickets } from '../../src/people/tickets.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let tickets: Tickets;

before(async () => {
  database = await openTestDatabase();
  tickets = createTickets({ db: database.db });
});
after(() => database.close());

test('a ticket is opened, answered, gone on with and closed, and all that was said is there', async () => {
  const personId = await addPerson(database.db);
  const { id } = await opened(personId, 'Where are my stars?');
  assert.equal((await tickets.find(id))?.state, 'open');
  const answer = await tickets.answer({ ticketId: id, adminId: 7, text: 'Here', key: newKey() });
  assert.equal(answer.kind, 'written');
  assert.equal((await tickets.find(id))?.state, 'answered');
  const more = await tickets.add({ ticketId: id, personId, text: 'Thanks', key: newKey() });
  assert.equal(more.kind === 'written' && more.ticket.state, 'open');
  assert.equal(await tickets.close(id), true);
  assert.equal(await tickets.close(id), false);
  const found = await tickets.find(id);
  assert.equal(found?.state, 'closed');
  assert.deepEqual(
    found?.messages.map(({ adminId, text }) => [adminId, text]),
    [
      [null, 'Where are my stars?'],
      [7, 'Here'],
      [null, 'Thanks'],
    ],
  );
});

test('the same message opens, adds and answers once', async () => {
  const personId = await addPerson(database.db);
  const words = { personId, text: 'Help', key: newKey() };
  const first = await tickets.open(words);
  const again = await Promise.all(Array.from({ length: 5 }, () => tickets.open(words)));
  for (const { kind, ticket } of again) {
    assert.deepEqual([kind, ticket.id], ['repeated', first.ticket.id]);
  }
  assert.equal((await tickets.ofPerson(personId, 10)).length, 1);
  const answer = { ticketId: first.ticket.id, adminId: 7, text: 'Here', key: newKey() };
  assert.equal((await tickets.answer(answer)).kind, 'written');
  assert.equal((await tickets.answer(answer)).kind, 'repeated');
  assert.equal((await tickets.find(first.ticket.id))?.messages.length, 2);
});

test("nobody adds to another person's ticket, or to one that does not exist", async () => {
  const { id } = await opened(await addPerson(database.db), 'Mine');
  const stranger = await addPerson(database.db);
  const words = { text: 'Let me in', key: newKey() };
  assert.equal((await tickets.add({ ticketId: id, personId: stranger, ...words })).kind, 'unknown');
  assert.equal((await tickets.answer({ ticketId: 0, adminId: 7, ...words })).kind, 'unknown');
  assert.equal(await tickets.find(0), undefined);
});

test('those that wait are listed with the longest waiting first, the answered are not', async () => {
  const personId = await addPerson(database.db);
  const [first, second, third] = [
    await opened(personId, 'a'),
    await opened(personId, 'b'),
    await opened(personId, 'c'),
  ];
  await tickets.answer({ ticketId: second.id, adminId: 7, text: 'Yes', key: newKey() });
  const waiting = (await tickets.waiting(100)).filter((ticket) => ticket.personId === personId);
  assert.deepEqual(
    waiting.map(({ id }) => id),
    [first.id, third.id],
  );
  assert.deepEqual(
    (await tickets.ofPerson(personId, 2)).map(({ id }) => id),
    [third.id, second.id],
  );
});

async function opened(personId: number, text: string) {
  const { kind, ticket } = await tickets.open({ personId, text, key: newKey() });
  assert.equal(kind, 'written');
  return ticket;
}

const newKey = () => randomUUID();
