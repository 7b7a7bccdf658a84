import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { NO_STARS, stars } from '../../src/domain/stars.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { createDirectory } from '../../src/people/directory.ts';
import { createPeople, languageOf, type People } from '../../src/people/people.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let ledger: Ledger;
let people: People;

before(async () => {
  database = await openTestDatabase();
  ledger = createLedger({ db: database.db });
  people = createPeople({ db: database.db, ledger, welcomeStars: stars(1000) });
});
after(() => database.close());

describe('meeting', () => {
  test('writes somebody new down, with the language of their Telegram', async () => {
    const id = newId();
    const person = await people.meet({
      id,
      firstName: 'Аня',
      username: 'anya',
      languageCode: 'ru-RU',
    });
    assert.equal(person.language, 'ru');
    assert.equal(person.gender, null);
    assert.equal(person.blockedAt, null);
    assert.deepEqual(await people.find(id), person);
  });

  test('gives the welcome stars the first time, and never again', async () => {
    const id = newId();
    await people.meet({ id, firstName: 'Ada' });
    await people.meet({ id, firstName: 'Ada' });
    assert.equal(await ledger.balance(id), 1000);
  });

  test('by twenty updates at once gives the welcome stars once', async () => {
    const id = newId();
    const met = await Promise.all(
      Array.from({ length: 20 }, () => people.meet({ id, firstName: 'Ada', languageCode: 'en' })),
    );
    assert.deepEqual(new Set(met.map((person) => person.id)), new Set([id]));
    assert.equal(await ledger.balance(id), 1000);
  });

  test('gives nothing and opens no account where the welcome is empty', async () => {
    const unwelcoming = createPeople({ db: database.db, ledger, welcomeStars: NO_STARS });
    const id = newId();
    await unwelcoming.meet({ id, firstName: 'Ada' });
    assert.deepEqual(await ledger.statement(id, 10), []);
  });

  test('with a name that somebody else had takes it from them', async () => {
    const [first, second, known] = [newId(), newId(), newId()];
    const name = `Swap${first}`;
    await people.meet({ id: known, firstName: 'Known' });
    await people.meet({ id: first, firstName: 'First', username: name });
    await people.meet({ id: second, firstName: 'Second', username: name.toLowerCase() });
    assert.equal((await people.find(first))?.username, null);
    await people.meet({ id: known, firstName: 'Known', username: name });
    assert.equal((await people.find(second))?.username, null);
    const directory = createDirectory({ db: database.db });
    assert.equal((await directory.lookUp(`@${name}`))?.id, known);
  });

  test('again takes over a new name, and keeps the language they chose', async () => {
    const id = newId();
    await people.meet({ id, firstName: 'Ada', username: 'ada', languageCode: 'en' });
    await people.setLanguage(id, 'ru');
    const person = await people.meet({ id, firstName: 'Countess', languageCode: 'en' });
    assert.equal(person.firstName, 'Countess');
    assert.equal(person.username, null);
    assert.equal(person.language, 'ru');
    assert.deepEqual(await people.find(id), person);
  });
});

describe('who brought somebody', () => {
  test('is written down at the first meeting, and never afterwards', async () => {
    const [inviter, other] = [await met(), await met()];
    const id = newId();
    const person = await people.meet({ id, firstName: 'Ada', invitedBy: inviter });
    assert.equal(person.invitedBy, inviter);
    await people.meet({ id, firstName: 'Ada', invitedBy: other });
    assert.equal((await people.find(id))?.invitedBy, inviter);
    await people.meet({ id: other, firstName: 'Ada', invitedBy: inviter });
    assert.equal((await people.find(other))?.invitedBy, null, 'they were here before');
  });

  test('is nobody when it names themselves or somebody nobody met', async () => {
    const self = newId();
    assert.equal(
      (await people.meet({ id: self, firstName: 'Ada', invitedBy: self })).invitedBy,
      null,
    );
    const id = newId();
    assert.equal((await people.meet({ id, firstName: 'Ada', invitedBy: newId() })).invitedBy, null);
  });
});

test('gender and language are kept as told', async () => {
  const id = newId();
  await people.meet({ id, firstName: 'Ada' });
  await people.setGender(id, 'female');
  await people.setLanguage(id, 'ru');
  const person = await people.find(id);
  assert.deepEqual([person?.gender, person?.language], ['female', 'ru']);
});

test('who blocked the bot is remembered until they are back', async () => {
  const id = newId();
  await people.meet({ id, firstName: 'Ada' });
  await people.setBlocked(id, true);
  assert.ok((await people.find(id))?.blockedAt instanceof Date);
  await people.setBlocked(id, false);
  assert.equal((await people.find(id))?.blockedAt, null);
});

test('nobody is found who was never met', async () => {
  assert.equal(await people.find(newId()), undefined);
});

test('only Russian Telegrams start in Russian', () => {
  const languages = ['ru', 'RU', 'ru-RU', 'en', 'uk', 'rue', '', undefined].map(languageOf);
  assert.deepEqual(languages, ['ru', 'ru', 'ru', 'en', 'en', 'en', 'en', 'en']);
});

async function met(): Promise<number> {
  return (await people.meet({ id: newId(), firstName: 'Ada' })).id;
}

/** Telegram ids go beyond 32 bits. */
function newId(): number {
  return randomInt(2 ** 33, 2 ** 40);
}
