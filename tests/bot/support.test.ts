import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buttonLabels } from '../support/chat.ts';
import { prepareOffice } from './office-rig.ts';
import { until } from './rig.ts';

const start = prepareOffice();

describe('/paysupport', () => {
  test('lists payments with ids to be copied, page by page', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/paysupport');
    await ann.waitForMessage({
      text: /You have not paid anything yet.*\/paysupport your question/s,
    });
    const charges: string[] = [];
    for (let index = 0; index < 7; index += 1) charges.push(await rig.paid(ann.id, 50 + index));
    ann.say('/paysupport');
    const first = await ann.waitForMessage({ text: /Your 5 newest payments/ });
    assert.match(first.text ?? '', new RegExp(`· 56\\.00 ⭐\\n${charges[6]}\\n`));
    const copied = (first.entities ?? [])
      .filter(({ type }) => type === 'code')
      .map(({ offset, length }) => first.text?.slice(offset, offset + length));
    assert.deepEqual(copied.slice(0, 5), charges.slice(2).toReversed());
    await ann.press(/▶/);
    const second = await ann.waitForMessage({ text: /Your 2 newest payments/, button: /◀/ });
    assert.match(second.text ?? '', new RegExp(String(charges[0])));
    assert.ok(!buttonLabels(second).includes('▶'));
  });

  test('says what is on its way back, in the language of the person', async (t) => {
    const rig = await start(t);
    const oleg = await rig.somebody({ name: 'Олег', language: 'ru' });
    const chargeId = await rig.paid(oleg.id, 70);
    await rig.books.refunds.request({ chargeId, by: { kind: 'person', personId: oleg.id } });
    oleg.say('/paysupport');
    await oleg.waitForMessage({ text: /Ваш 1 платёж.*70\.00 ⭐ · возвращается\ncharge_/s });
  });

  test('is honest when there is nobody to ask', async (t) => {
    const rig = await start(t, { adminIds: [] });
    const ann = await rig.somebody();
    ann.say('/paysupport hello?');
    const said = await ann.waitForMessage({ text: /no operator to pass questions to/ });
    assert.deepEqual(buttonLabels(said), []);
  });
});

describe('a question', () => {
  test('in the middle of anything becomes a ticket that the operators get', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    ann.say('/morph');
    await ann.waitForMessage({ text: /[Ss]end/ });
    ann.say('/paysupport where <are> my stars?');
    const thanks = await ann.waitForMessage({ text: /your question is with us as #(\d+)/ });
    const ticket = numberIn(thanks.text);
    const shown = await root.waitForMessage({ text: /🎫 Question #/ });
    assert.match(shown.text ?? '', new RegExp(`^🎫 Question #${ticket}\nFrom Ann · ${ann.id} ·`));
    assert.match(shown.text ?? '', /where <are> my stars\?/);
    const kept = await rig.office.tickets.find(ticket);
    assert.deepEqual(
      kept?.messages.map(({ adminId, text }) => [adminId, text]),
      [[null, 'where <are> my stars?']],
    );
    assert.ok(!rig.logged.some((line) => line.includes('my stars')), 'no words in the log');
  });

  test('is the message after "Write to us", and no other', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    ann.say('/paysupport');
    await ann.press(/Write to us/);
    await ann.waitForMessage({ text: /Write your question in one message/ });
    ann.say('I paid twice');
    await ann.waitForMessage({ text: /with us as #/ });
    await root.waitForMessage({ text: /I paid twice/ });
    ann.say('hello');
    await ann.waitForMessage({ text: /\/start shows everything/ });
    assert.equal((await rig.office.tickets.ofPerson(ann.id, 5)).length, 1);
  });

  test('is still waited for after a restart', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/paysupport');
    await ann.press(/Write to us/);
    await ann.waitForMessage({ text: /in one message/ });
    await rig.restart();
    ann.say('Are you there?');
    await ann.waitForMessage({ text: /kept as #/ });
  });

  test('need not be written: Never mind, /cancel and other commands say so', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const begin = async () => {
      ann.say('/paysupport');
      const help = await ann.waitForMessage({ button: /Write to us/ }, { after: last() });
      await ann.press(/Write to us/, { after: help.message_id - 1 });
      await ann.waitForMessage({ text: /in one message/ }, { after: help });
    };
    const last = () => ann.lastMessage()?.message_id ?? 0;
    await begin();
    await ann.press(/Never mind/);
    await ann.waitForMessage({ text: /nothing was sent/ });
    ann.say('/morph');
    await ann.waitForMessage({ text: /send me your photos/ });
    await begin();
    ann.say('/cancel');
    await ann.waitForMessage({ text: /nothing was sent/ }, { after: last() });
    assert.equal(rig.orders.of(ann.id).view.state, 'draft', 'the order is not what was cancelled');
    await begin();
    ann.say('/balance');
    await ann.waitForMessage({ text: /Your balance/ });
    ann.say('hello');
    await ann.waitForMessage({ text: /photos/ }, { after: last() });
    assert.deepEqual(await rig.office.tickets.ofPerson(ann.id, 5), []);
  });

  test('cannot be spoken, and the bot says so', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/paysupport');
    await ann.press(/Write to us/);
    await ann.waitForMessage({ text: /in one message/ });
    const from = { id: ann.id, is_bot: false, first_name: 'Ann' };
    rig.server.pushUpdate({
      message: {
        message_id: 5_000,
        date: 1,
        chat: { id: ann.id, type: 'private', first_name: 'Ann' },
        from,
        voice: { file_id: 'voice', file_unique_id: 'v', duration: 2 },
      },
    });
    await ann.waitForMessage({ text: /I can pass on text only/ });
  });

  test('told twice after a kill is written down once', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    ann.say('/paysupport once, please');
    await ann.waitForMessage({ text: /with us as #/ });
    await root.waitForMessage({ text: /once, please/ });
    await rig.replayNewest();
    const [ticket, ...others] = await rig.office.tickets.ofPerson(ann.id, 5);
    assert.deepEqual(others, []);
    assert.equal((await rig.office.tickets.find(ticket?.id ?? 0))?.messages.length, 1);
  });

  test('that reaches no operator is kept, and the person is told the truth', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/paysupport hello?');
    const { text } = await ann.waitForMessage({ text: /kept as #.*find it when they are back/ });
    const root = await rig.operator();
    root.say('/tickets');
    await root.waitForMessage({
      text: new RegExp(`#${numberIn(text)} · .* · ${ann.id} · hello\\?`),
    });
  });

  test('longer than a message is told whole', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    const long = `${'word & '.repeat(560)}end`;
    ann.say(`/paysupport ${long}`);
    await root.waitForMessage({ text: /end$/ });
    const told = root.messages().filter(({ from }) => from.is_bot);
    const joined = told.map(({ text }) => text).join(' ');
    assert.equal(joined.match(/word &/g)?.length, 560);
  });
});

describe('an answer', () => {
  test('by /answer reaches the person, and more words stay in the ticket', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    ann.say('/paysupport where are my stars?');
    const ticket = numberIn((await ann.waitForMessage({ text: /with us as #/ })).text);
    await root.waitForMessage({ text: /🎫/ });
    root.say(`/answer ${ticket} In your <balance>.\nLook there.`);
    await root.waitForMessage({ text: new RegExp(`answer to #${ticket} is with Ann`) });
    const answer = await ann.waitForMessage({
      text: new RegExp(
        `^💬 Answer to your question #${ticket}\n\nIn your <balance>\\.\nLook there\\.$`,
      ),
      button: /Write more/,
    });
    assert.equal((await rig.office.tickets.find(ticket))?.state, 'answered');

    await ann.press(/Write more/, { after: answer.message_id - 1 });
    await ann.waitForMessage({ text: new RegExp(`add to #${ticket}`) });
    ann.say('I found them');
    await ann.waitForMessage({ text: new RegExp(`added it to #${ticket}`) });
    rig.server.sendText(ann.id, 'Thank you!', { replyTo: answer.message_id });
    await root.waitForMessage({ text: /Thank you!/ });
    ann.say('/paysupport and one more thing');
    await root.waitForMessage({ text: /one more thing/ });
    const talk = await rig.office.tickets.find(ticket);
    assert.deepEqual(
      talk?.messages.map(({ adminId }) => adminId),
      [null, rig.adminId, null, null, null],
    );
    assert.equal(talk?.state, 'open');
    assert.equal((await rig.office.tickets.ofPerson(ann.id, 5)).length, 1);
  });

  test('by a reply to the question is the same, whatever the operator is doing', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const oleg = await rig.somebody({ name: 'Олег', language: 'ru' });
    oleg.say('/paysupport где звёзды?');
    const question = await root.waitForMessage({ text: /🎫.*где звёзды/s });
    rig.server.sendText(root.id, 'На балансе.', { replyTo: question.message_id });
    await oleg.waitForMessage({ text: /^💬 Ответ на ваш вопрос #\d+\n\nНа балансе\.$/ });
    await root.waitForMessage({ text: /is with Олег/ });
    const [deed] = await rig.office.adminLog.list({ aboutId: oleg.id, limit: 1 });
    assert.equal(deed?.command, 'answer');
    assert.equal(deed?.adminId, rig.adminId);
  });

  test('is seen by the other operators, so that nobody answers twice', async (t) => {
    const rig = await start(t, { adminIds: [950, 951] });
    const root = rig.person(950, 'Root');
    await rig.known.meet({ id: 950, firstName: 'Root', languageCode: 'en' });
    const other = rig.person(951, 'Other', 'ru');
    await rig.known.meet({ id: 951, firstName: 'Other', languageCode: 'ru' });
    const ann = await rig.somebody();
    ann.say('/paysupport hm?');
    const question = await root.waitForMessage({ text: /🎫/ });
    await other.waitForMessage({ text: /🎫 Вопрос #/ });
    rig.server.sendText(root.id, 'Yes.', { replyTo: question.message_id });
    await other.waitForMessage({ text: /🎫 Вопрос #\d+: ответ дан, ответил Root\n\nYes\./ });
  });

  test('to somebody who has blocked the bot is kept, and the operator hears of it', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    ann.say('/paysupport hm?');
    const question = await root.waitForMessage({ text: /🎫/ });
    await ann.waitForMessage({ text: /with us as/ });
    ann.block();
    rig.server.sendText(root.id, 'Yes.', { replyTo: question.message_id });
    await root.waitForMessage({ text: /is kept, but Ann cannot be reached/ });
  });

  test('without words shows the talk, which can be closed and opened again by the person', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    ann.say('/paysupport first');
    const ticket = numberIn((await ann.waitForMessage({ text: /with us as #/ })).text);
    root.say(`/answer #${ticket}`);
    await root.waitForMessage({ text: new RegExp(`#${ticket} · waits.*first`, 's') });
    await root.press(/Close it/);
    await root.waitForMessage({ text: new RegExp(`#${ticket} is closed`) });
    assert.equal((await rig.office.tickets.find(ticket))?.state, 'closed');
    await ann.press(/Write more/);
    await ann.waitForMessage({ text: new RegExp(`add to #${ticket}`) });
    ann.say('second');
    await until(() => root.messages().some(({ text }) => text?.includes('second')));
    assert.equal((await rig.office.tickets.find(ticket))?.state, 'open');
    root.say('/answer 99999 hello');
    await root.waitForMessage({ text: /no question #99999/ });
    root.say('/answer');
    await root.waitForMessage({ text: /Like this: \/answer 12/ });
  });

  test("cannot be given by a stranger, nor can another's question be added to", async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    const eve = await rig.somebody({ name: 'Eve' });
    ann.say('/paysupport mine');
    const ticket = numberIn((await ann.waitForMessage({ text: /with us as #/ })).text);
    await root.waitForMessage({ text: /mine/ });
    eve.say('/paysupport');
    const help = await eve.waitForMessage({ button: /Write to us/ });
    await rig.server.press(eve.id, help.message_id, `paysupport:more:${ticket}`);
    eve.say('let me in');
    await eve.waitForMessage({ text: /your question is with us as/ });
    assert.equal((await rig.office.tickets.find(ticket))?.messages.length, 1);
    const closing = await rig.server.press(eve.id, help.message_id, `ticket:close:${ticket}`);
    assert.match(closing.text ?? '', /old message/);
    assert.equal((await rig.office.tickets.find(ticket))?.state, 'open');
  });
});

function numberIn(text: string | undefined): number {
  return Number(/#(\d+)/.exec(text ?? '')?.[1]);
}
