import type { InlineKeyboardButton } from 'grammy/types';
import type { Stars } from '../../domain/stars.ts';
import { starsOfXtr } from '../../domain/xtr.ts';
import type { Payment } from '../../ledger/payments.ts';
import type { Language, Person } from '../../people/people.ts';
import type { Ticket } from '../../people/tickets.ts';
import { showDay, showStars } from '../amounts.ts';
import { escapeHtml, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { returnKeyboard } from './payments.ts';

/** Payments on one page of /paysupport. */
export const SUPPORT_PAGE = 5;

/** A message has room for 4,096 characters; this leaves some for what stands around a text. */
const TEXT_IN_MESSAGE = 3_500;

/** The buttons of /paysupport, by what is behind their prefix. */
export const SUPPORT_PREFIX = 'paysupport';

/** What /paysupport shows before there is a question. */
export function paySupportScreen(
  t: Translate,
  language: Language,
  help: {
    readonly payments: readonly Payment[];
    readonly offset: number;
    /** Whether there are older payments than those. */
    readonly hasMore: boolean;
    readonly tickets: readonly Ticket[];
    readonly reachable: boolean;
    /** Whether there are payments that could go back. */
    readonly returnable: boolean;
  },
): Screen {
  const { payments, offset, tickets } = help;
  const turn = [
    ...(offset > 0 ? [pageButton('◀', Math.max(0, offset - SUPPORT_PAGE))] : []),
    ...(help.hasMore ? [pageButton('▶', offset + SUPPORT_PAGE)] : []),
  ];
  return {
    text: [
      t('support.title'),
      ...(payments.length === 0
        ? [t('support.noPayments')]
        : [
            t('support.payments', { count: payments.length }),
            payments.map((payment) => paymentLine(t, language, payment)).join('\n'),
          ]),
      ...(tickets.length === 0 ? [] : [ticketLines(t, language, tickets)]),
      t(help.reachable ? 'support.how' : 'support.nobody'),
    ].join('\n\n'),
    keyboard: [
      ...(help.reachable ? [[supportButton(t('support.write'), 'write')]] : []),
      ...(help.returnable ? returnKeyboard(t) : []),
      turn,
    ].filter((row) => row.length > 0),
  };
}

/** `22 Nov · 100.00 ⭐ · returned`, and below it the charge id, to be copied. */
function paymentLine(t: Translate, language: Language, payment: Payment): string {
  return t('support.paymentLine', {
    at: showDay(payment.paidAt, language),
    amount: showStars(starsOfXtr(payment.amountXtr)),
    state: payment.refund ? t(`support.states.${payment.refund}`) : '',
    charge: escapeHtml(payment.chargeId),
  });
}

function ticketLines(t: Translate, language: Language, tickets: readonly Ticket[]): string {
  const lines = tickets.map(({ id, createdAt, state }) =>
    t('support.ticketLine', {
      ticket: id,
      at: showDay(createdAt, language),
      state: t(`support.ticketStates.${state}`),
    }),
  );
  return [t('support.tickets'), ...lines].join('\n');
}

/** Asks for the words of a question, or for more of them. */
export function writePrompt(t: Translate, ticketId: number | null): Screen {
  const text =
    ticketId === null ? t('support.writePrompt') : t('support.writeMore', { ticket: ticketId });
  return { text, keyboard: [[supportButton(t('support.neverMind'), 'drop')]] };
}

/** The question is written down. */
export function receivedScreen(
  t: Translate,
  ticketId: number,
  { isNew, reached }: { readonly isNew: boolean; readonly reached: boolean },
): Screen {
  const key = reached ? (isNew ? 'support.passed' : 'support.added') : 'support.kept';
  return { text: t(key, { ticket: ticketId }), keyboard: [[moreButton(t, ticketId)]] };
}

/** An operator's answer, as the person gets it. Replies to it belong to its ticket. */
export function answerScreens(t: Translate, ticketId: number, text: string): Screen[] {
  const [first = '', ...rest] = splitText(text);
  const head = `${t('support.answer', { ticket: ticketId })}\n\n${escapeHtml(first)}`;
  const screens = [head, ...rest.map(escapeHtml)].map((shown): Screen => ({ text: shown }));
  const last = screens.pop() ?? { text: head };
  return [...screens, { ...last, keyboard: [[moreButton(t, ticketId)]] }];
}

/** A question, as the operators get it. Their replies to it are answers. */
export function questionScreens(
  t: Translate,
  question: {
    readonly ticketId: number;
    readonly person: Person;
    readonly balance: Stars;
    readonly text: string;
  },
): Screen[] {
  const { ticketId, person, balance, text } = question;
  const [first = '', ...rest] = splitText(text);
  const who = t('office.ticket.from', {
    name: escapeHtml(person.firstName),
    username: person.username === null ? '' : ` @${person.username}`,
    id: person.id,
    balance: showStars(balance),
  });
  const head = [
    t('office.ticket.title', { ticket: ticketId }),
    who,
    '',
    escapeHtml(first),
    '',
    t('office.ticket.how', { ticket: ticketId }),
  ].join('\n');
  return [head, ...rest.map(escapeHtml)].map((shown) => ({ text: shown }));
}

/** What another operator answered. */
export function answeredScreens(
  t: Translate,
  ticketId: number,
  { operator, text }: { readonly operator: string; readonly text: string },
): Screen[] {
  const [first = '', ...rest] = splitText(text);
  const values = { ticket: ticketId, operator: escapeHtml(operator) };
  const head = `${t('office.ticket.answeredBy', values)}\n\n${escapeHtml(first)}`;
  return [head, ...rest.map(escapeHtml)].map((shown) => ({ text: shown }));
}

/**
 * The ticket that a message of the bot is about: one of the operators', or of a person's. The marks in
 * front are those of `office.ticket` and `support.answer` in every language.
 */
export function ticketOf(text: string, reader: 'operator' | 'person'): number | undefined {
  const marks = { operator: /^🎫[^\n]*?#(\d{1,9})/u, person: /^💬[^\n]*?#(\d{1,9})/u };
  const number = marks[reader].exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Long texts in parts that fit into messages, cut at a blank where there is one. */
export function splitText(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > TEXT_IN_MESSAGE) {
    const blank = rest.slice(0, TEXT_IN_MESSAGE).search(/\s\S*$/);
    const end = blank > TEXT_IN_MESSAGE / 2 ? blank : TEXT_IN_MESSAGE;
    parts.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...parts, rest];
}

function moreButton(t: Translate, ticketId: number): InlineKeyboardButton {
  return supportButton(t('support.writeAgain'), `more:${ticketId}`);
}

function pageButton(text: string, offset: number): InlineKeyboardButton {
  return supportButton(text, `page:${offset}`);
}

function supportButton(text: string, value: string): InlineKeyboardButton {
  return { text, callback_data: `${SUPPORT_PREFIX}:${value}` };
}
