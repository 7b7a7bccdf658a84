import { type Stars, stars } from '../../domain/stars.ts';
import { starsOfXtr } from '../../domain/xtr.ts';
import type { AuditReport } from '../../ledger/audit.ts';
import type { Payment } from '../../ledger/payments.ts';
import type { HistoryItem } from '../../orders/orders.ts';
import type { LoggedDeed } from '../../people/admin-log.ts';
import type { Ban } from '../../people/bans.ts';
import type { Language, Person } from '../../people/people.ts';
import type { PromoCode } from '../../people/promo.ts';
import type { Ticket, TicketMessage } from '../../people/tickets.ts';
import { showDate, showDay, showMoment, showStars } from '../amounts.ts';
import { escapeHtml, nameLanguage, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { madeOfItem } from './account.ts';

/** Everything an operator may know about a person. */
export interface PersonCard {
  readonly person: Person;
  readonly balance: Stars;
  readonly reserved: Stars;
  readonly ban: Ban | undefined;
  readonly orders: { readonly items: readonly HistoryItem[]; readonly total: number };
  readonly payments: readonly Payment[];
  readonly tickets: readonly Ticket[];
  /** What operators did about them. */
  readonly deeds: readonly LoggedDeed[];
  /** How many people came by their link. */
  readonly invited: number;
}

/** The card of /user; the newest of each kind. */
export function personScreen(t: Translate, language: Language, card: PersonCard): Screen {
  const { person, orders } = card;
  const values = {
    name: escapeHtml(person.firstName),
    username: person.username === null ? '' : ` @${person.username}`,
    id: person.id,
  };
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? `${title}: ${t('office.person.none')}` : [title, ...lines].join('\n');
  return {
    text: [
      [t('office.person.title', values), ...stateLines(t, language, card)].join('\n'),
      [
        t('office.person.balance', { balance: showStars(card.balance) }),
        ...(card.reserved > 0
          ? [t('office.person.reserved', { reserved: showStars(card.reserved) })]
          : []),
      ].join('\n'),
      list(
        t('office.person.orders', { count: orders.total }),
        orders.items.map((item) => orderLine(t, language, item)),
      ),
      list(
        t('office.person.payments'),
        card.payments.map((payment) => paymentLine(t, language, payment)),
      ),
      list(
        t('office.person.tickets'),
        card.tickets.map((ticket) => ticketLine(t, language, ticket)),
      ),
      list(
        t('office.person.deeds'),
        card.deeds.filter(isDeed).map((deed) => deedLine(language, deed)),
      ),
      t('office.person.actions', { id: person.id, ban: card.ban ? '/unban' : '/ban' }),
    ].join('\n\n'),
  };
}

function stateLines(t: Translate, language: Language, card: PersonCard): string[] {
  const { person, ban } = card;
  const { blockedAt, invitedBy, termsVersion } = person;
  const reason = ban?.reason ? escapeHtml(ban.reason) : t('office.noReason');
  return [
    ...(ban ? [t('office.person.banned', { since: showDay(ban.at, language), reason })] : []),
    ...(blockedAt ? [t('office.person.blocked', { since: showDay(blockedAt, language) })] : []),
    t('office.person.language', { language: nameLanguage(person.language, language) }),
    termsVersion === null
      ? t('office.person.noTerms')
      : t('office.person.terms', { version: escapeHtml(termsVersion) }),
    ...(invitedBy === null ? [] : [t('office.person.invitedBy', { id: invitedBy })]),
    ...(card.invited > 0 ? [t('office.person.invited', { count: card.invited })] : []),
  ];
}

/** Looking somebody up is in the log, but says nothing about them. */
function isDeed({ command }: LoggedDeed): boolean {
  return command !== 'user' && command !== 'payments';
}

/** `22 Nov, 10:00 · <id> · Morph · 3 transitions · 89.06 ⭐ · delivered` */
function orderLine(t: Translate, language: Language, item: HistoryItem): string {
  const { order, refunded } = item;
  return [
    showMoment(order.createdAt, language),
    `<code>${escapeHtml(order.id)}</code>`,
    madeOfItem(t, item),
    ...(order.price === null ? [] : [showStars(stars(order.price - refunded))]),
    t(`account.states.${order.state}`),
  ].join(' · ');
}

/** `22 Nov, 10:00 · 100.00 ⭐ · returned`, and below it the charge id, to be copied. */
function paymentLine(
  t: Translate,
  language: Language,
  { paidAt, amountXtr, personId, refund, chargeId }: Payment,
  options: { readonly withPerson?: boolean } = {},
): string {
  const parts = [
    showMoment(paidAt, language),
    `<b>${showStars(starsOfXtr(amountXtr))}</b>`,
    ...(options.withPerson ? [`<code>${personId}</code>`] : []),
    ...(refund ? [t(`office.refundStates.${refund}`)] : []),
  ];
  return `${parts.join(' · ')}\n<code>${escapeHtml(chargeId)}</code>`;
}

function ticketLine(t: Translate, language: Language, { id, state, updatedAt }: Ticket): string {
  const shown = t(`office.ticket.states.${state}`);
  return `#${id} · ${showMoment(updatedAt, language)} · ${shown}`;
}

/** `22 Nov, 10:00 · /ban · 900 · spam` */
function deedLine(language: Language, { at, command, adminId, why }: LoggedDeed): string {
  const parts = [showMoment(at, language), `/${command}`, `<code>${adminId}</code>`];
  return [...parts, ...(why ? [escapeHtml(why.slice(0, 100))] : [])].join(' · ');
}

/** The newest payments, of one person or of everybody. */
export function paymentsScreen(
  t: Translate,
  language: Language,
  payments: readonly Payment[],
  about: Person | undefined,
  hasMore: boolean,
): Screen {
  const title = about
    ? t('office.paymentsOf', { name: escapeHtml(about.firstName) })
    : t('office.paymentsTitle');
  const lines = payments.map((payment) =>
    paymentLine(t, language, payment, { withPerson: about === undefined }),
  );
  const body = lines.length === 0 ? t('office.noPayments') : lines.join('\n');
  return { text: [title, body, ...(hasMore ? [t('office.paymentsMore')] : [])].join('\n\n') };
}

/** Differences that /audit names. */
const NAMED_DIFFERENCES = 10;

export function auditScreen(t: Translate, report: AuditReport): Screen {
  const { differences, waitingRefunds } = report;
  const title =
    differences.length === 0
      ? t('office.audit.fine')
      : t('office.audit.broken', { count: differences.length });
  const named = differences.slice(0, NAMED_DIFFERENCES).map(({ what, subject, expected, found }) =>
    t('office.audit.line', {
      what: t(`office.audit.what.${what}`, { subject: escapeHtml(subject) }),
      expected: showStars(expected),
      found: showStars(found),
    }),
  );
  const rest = differences.length - named.length;
  const totals = [
    t('office.audit.accounts', {
      accounts: report.accounts,
      balance: showStars(report.totalBalance),
    }),
    t('office.audit.entries', { entries: report.entries, sum: showStars(report.totalEntries) }),
    t('office.audit.payments', {
      payments: report.payments,
      total: showStars(report.totalPayments),
    }),
    t('office.audit.reversed', { reversed: showStars(report.totalReversed) }),
    ...(waitingRefunds > 0 ? [t('office.audit.waiting', { count: waitingRefunds })] : []),
  ];
  return {
    text: [
      title,
      ...(named.length > 0 ? [named.join('\n')] : []),
      ...(rest > 0 ? [t('office.audit.more', { rest })] : []),
      totals.join('\n'),
    ].join('\n\n'),
  };
}

type Talk = Ticket & { readonly messages: readonly TicketMessage[] };

/** Letters of a question that a line of the list shows. */
const LINE_LETTERS = 80;

/** The questions that wait for an operator. */
export function ticketsScreen(t: Translate, language: Language, talks: readonly Talk[]): Screen {
  if (talks.length === 0) return { text: t('office.ticket.none') };
  const lines = talks.map(({ id, personId, updatedAt, messages }) => {
    const said = messages.findLast(({ adminId }) => adminId === null)?.text ?? '';
    const line = said.replaceAll(/\s+/g, ' ');
    const text = line.length > LINE_LETTERS ? `${line.slice(0, LINE_LETTERS)}…` : line;
    return t('office.ticket.line', {
      ticket: id,
      at: showMoment(updatedAt, language),
      id: personId,
      text: escapeHtml(text),
    });
  });
  const title = t('office.ticket.waiting', { count: talks.length });
  return { text: [title, lines.join('\n'), t('office.ticket.listHow')].join('\n\n') };
}

/** Letters of a talk that fit into a message beside its head. */
const TALK_LETTERS = 3_300;

/** What was said in a ticket; of a long talk the end. */
export function talkScreen(t: Translate, language: Language, talk: Talk): Screen {
  const shown: string[] = [];
  let letters = 0;
  for (const { adminId, text, createdAt } of talk.messages.toReversed()) {
    const room = TALK_LETTERS - letters;
    if (room <= 0) break;
    const cut = text.length > room ? `${text.slice(0, room)}…` : text;
    letters += cut.length + 40;
    shown.unshift(
      t('office.ticket.said', {
        who: adminId === null ? `<code>${talk.personId}</code>` : `🎫 ${adminId}`,
        at: showMoment(createdAt, language),
        text: escapeHtml(cut),
      }),
    );
  }
  const title = `${t('office.ticket.title', { ticket: talk.id })} · ${t(`office.ticket.states.${talk.state}`)}`;
  const how = t('office.ticket.how', { ticket: talk.id });
  const close = { text: t('office.ticket.close'), callback_data: `ticket:close:${talk.id}` };
  return {
    text: [title, ...shown, how].join('\n\n'),
    ...(talk.state === 'closed' ? {} : { keyboard: [[close]] }),
  };
}

/** How codes are made, and the newest of them. */
export function promoScreen(
  t: Translate,
  language: Language,
  promos: readonly PromoCode[],
): Screen {
  const lines = promos.map((promo) => t('office.promoLine', promoValues(promo, language)));
  const list = lines.length === 0 ? [] : [[t('office.promoNewest'), ...lines].join('\n')];
  return { text: [t('office.promoUsage'), ...list].join('\n\n') };
}

/** A code in words. */
export function promoValues(promo: PromoCode, language: Language) {
  return {
    code: escapeHtml(promo.code),
    amount: showStars(promo.stars),
    uses: promo.uses,
    used: promo.used,
    until: showDate(promo.expiresAt, language),
  };
}
