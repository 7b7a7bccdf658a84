import { isActive } from '../../domain/order-state.ts';
import { type Stars, stars } from '../../domain/stars.ts';
import type { StatementLine } from '../../ledger/ledger.ts';
import type { HistoryItem } from '../../orders/orders.ts';
import type { Language } from '../../people/people.ts';
import { showDay, showMovement, showStars } from '../amounts.ts';
import { escapeHtml, serviceWords, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { accountKeyboard } from './payments.ts';
import { madeOf } from './progress.ts';

/** Entries read for a statement: enough for some orders that were refunded transition by transition. */
export const READ_ENTRIES = 300;

/** Movements that /balance shows. */
const SHOWN_MOVEMENTS = 10;

/** What a person has, who they are to an operator, and the last movements. */
export function balanceScreen(
  t: Translate,
  language: Language,
  account: {
    readonly personId: number;
    readonly balance: Stars;
    /** What was charged for orders that are still on their way. */
    readonly reserved: Stars;
    readonly lines: readonly StatementLine[];
    /** Whether there are payments that could go back. */
    readonly returnable: boolean;
  },
): Screen {
  const { balance, reserved } = account;
  const total = [
    t('account.balance', { balance: showStars(balance) }),
    ...(reserved > 0 ? [t('account.reserved', { reserved: showStars(reserved) })] : []),
    ...(balance < 0 ? [t('account.belowZero')] : []),
  ].join('\n');
  const lines = movementLines(t, language, account.lines, SHOWN_MOVEMENTS);
  const id = t('account.yourId', { id: account.personId });
  return { text: [total, lines, id].join('\n\n'), keyboard: accountKeyboard(t, account) };
}

/** Entries that are one deed to a person: those of one kind that belong to one order. */
export interface Movement extends StatementLine {
  /** How many entries it is the sum of. */
  readonly count: number;
}

/** The entries of a statement, newest first, as movements; each stands where its newest entry did. */
export function groupMovements(lines: readonly StatementLine[]): Movement[] {
  const movements = new Map<string, Movement>();
  for (const [index, line] of lines.entries()) {
    const key = line.orderId === null ? String(index) : `${line.kind}:${line.orderId}`;
    const newer = movements.get(key);
    movements.set(
      key,
      newer
        ? { ...newer, amount: stars(newer.amount + line.amount), count: newer.count + 1 }
        : { ...line, count: 1 },
    );
  }
  return [...movements.values()];
}

function movementLines(
  t: Translate,
  language: Language,
  lines: readonly StatementLine[],
  shown: number,
): string {
  if (lines.length === 0) return t('account.noEntries');
  return groupMovements(lines)
    .slice(0, shown)
    .map((movement) => movementLine(t, language, movement))
    .join('\n');
}

/** `22 Nov · +489.83 ⭐ · refund, Morph (11 transitions)` */
export function movementLine(t: Translate, language: Language, line: Movement): string {
  return `${showDay(line.at, language)} · <b>${showMovement(line.amount)}</b> · ${whatMoved(t, line)}${stepsOf(t, line)}`;
}

/** ` (11 transitions)`, where several were refunded one by one. */
function stepsOf(t: Translate, { count, serviceType }: Movement): string {
  if (count === 1 || serviceType === null) return '';
  return ` (${serviceWords(t, serviceType)('step', { count })})`;
}

function whatMoved(t: Translate, line: StatementLine): string {
  const { kind } = line;
  if (kind === 'top_up') return topUpText(t, line);
  // A bonus comes and goes with somebody else's payment, and never from or to Telegram.
  const isBonus = line.source === 'referral';
  if (isBonus && kind === 'reversal') return t('account.kinds.bonusGone');
  if (isBonus && kind === 'reinstatement') return t('account.kinds.bonusAgain');
  return t(`account.kinds.${kind}`, { service: serviceName(t, line.serviceType) });
}

/** Where stars came from; what an operator wrote about a grant is for the person to read. */
function topUpText(t: Translate, { source, reason }: StatementLine): string {
  const what = t(`account.sources.${source ?? 'grant'}`);
  if (reason === null || (source !== null && source !== 'grant')) return what;
  return `${what}: ${escapeHtml(reason.slice(0, 60))}`;
}

export const HISTORY_PAGE = 5;

/** One page of past orders; a delivered one has a button that sends it again. */
export function historyScreen(
  t: Translate,
  language: Language,
  page: {
    readonly items: readonly HistoryItem[];
    readonly total: number;
    readonly offset: number;
  },
): Screen {
  if (page.total === 0) return { text: t('account.noHistory') };
  const lines = page.items.map((item, index) => {
    const { order } = item;
    const parts = [
      showDay(order.createdAt, language),
      madeOfItem(t, item),
      ...(order.price === null ? [] : [showStars(stars(order.price - item.refunded))]),
      t(`account.states.${order.state}`),
    ];
    return `${page.offset + index + 1}. ${parts.join(' · ')}`;
  });
  const again = page.items.flatMap((item, index) =>
    item.messageIds.length === 0
      ? []
      : [
          {
            text: `↩️ ${page.offset + index + 1}`,
            callback_data: `again:${item.order.id}`,
          },
        ],
  );
  const before = page.offset > 0;
  const after = page.offset + page.items.length < page.total;
  const turn = [
    ...(before
      ? [{ text: '◀', callback_data: `history:${Math.max(0, page.offset - HISTORY_PAGE)}` }]
      : []),
    ...(after ? [{ text: '▶', callback_data: `history:${page.offset + HISTORY_PAGE}` }] : []),
  ];
  const hint = again.length > 0 ? [t('account.historyHow')] : [];
  return {
    text: [t('account.historyTitle', { count: page.total }), lines.join('\n'), ...hint].join(
      '\n\n',
    ),
    keyboard: [again, turn].filter((row) => row.length > 0),
  };
}

/** `Morph · 11 transitions`, or `Morph · 2 of 4 transitions` of an order that ended before it was whole. */
export function madeOfItem(t: Translate, item: HistoryItem): string {
  const { order, transitions: total, finished } = item;
  const words = serviceWords(t, order.serviceType);
  const made =
    finished < total && !isActive(order.state)
      ? madeOf(t, { order, finished, total })
      : words('step', { count: total });
  return `${words('name')} · ${made}`;
}

/** What each service is called in a statement, by the ledger's `service_type`. */
function serviceName(t: Translate, serviceType: string | null): string {
  return serviceType === null ? '' : serviceWords(t, serviceType)('name');
}
