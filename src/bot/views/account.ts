import type { Stars } from '../../domain/stars.ts';
import type { StatementLine } from '../../ledger/ledger.ts';
import type { HistoryItem } from '../../orders/orders.ts';
import type { Language } from '../../people/people.ts';
import { showDay, showMovement, showStars } from '../amounts.ts';
import { escapeHtml, type TextKey, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

/** What a person has, and the last movements. */
export function balanceScreen(
  t: Translate,
  language: Language,
  account: { readonly balance: Stars; readonly lines: readonly StatementLine[] },
): Screen {
  const total = t('account.balance', { balance: showStars(account.balance) });
  const text = account.lines.length === 0 ? [total, t('account.noEntries')] : [total];
  const lines = account.lines.map((line) => movementLine(t, language, line));
  return { text: [...text, lines.join('\n')].filter(Boolean).join('\n\n') };
}

/** `22 Nov · −489.83 ⭐ · Morph video` */
export function movementLine(t: Translate, language: Language, line: StatementLine): string {
  const what =
    line.kind === 'top_up' && line.reason !== null
      ? `${t('account.kinds.top_up')}: ${escapeHtml(line.reason.slice(0, 60))}`
      : t(`account.kinds.${line.kind}`, { service: serviceName(t, line.serviceType) });
  return `${showDay(line.at, language)} · <b>${showMovement(line.amount)}</b> · ${what}`;
}

/** What /paysupport shows before there is a question. */
export function paySupportScreen(
  t: Translate,
  language: Language,
  help: { readonly lines: readonly StatementLine[]; readonly reachable: boolean },
): Screen {
  const entries = help.lines.map((line) => movementLine(t, language, line)).join('\n');
  return {
    text: [
      t('account.paySupport'),
      entries === '' ? t('account.noEntries') : entries,
      help.reachable ? t('account.paySupportHow') : t('account.paySupportNobody'),
    ].join('\n\n'),
  };
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
      t('morph.transitions', { count: item.transitions }),
      ...(order.price === null ? [] : [showStars(order.price)]),
      t(`account.states.${order.state}`),
    ];
    return `${page.offset + index + 1}. ${parts.join(' · ')}`;
  });
  const again = page.items.flatMap((item, index) =>
    item.previewFileId === null && item.documentFileIds.length === 0
      ? []
      : [
          {
            text: `🎬 ${page.offset + index + 1}`,
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

/** What each service is called in a statement, by the ledger's `service_type`. */
const SERVICE_NAMES: Readonly<Record<string, TextKey>> = {
  image_morphing: 'account.services.image_morphing',
};

function serviceName(t: Translate, serviceType: string | null): string {
  return t(SERVICE_NAMES[serviceType ?? ''] ?? 'account.services.other');
}
