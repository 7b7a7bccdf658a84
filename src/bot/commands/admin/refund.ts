import { starsOfXtr } from '../../../domain/xtr.ts';
import type { RefundRequestOutcome } from '../../../ledger/request-refund.ts';
import { showStars } from '../../amounts.ts';
import type { Translate } from '../../i18n.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand, shortReason, splitFirst } from './admin-command.ts';

/**
 * /refund <charge id> [reason]: puts a payment on its way back to Telegram, whatever its age. Never
 * more than is left of it: what was spent stays spent, and the stars leave the balance at once.
 */
export function createRefundCommand(deps: CommandDeps): Command {
  return createAdminCommand(deps, 'refund', async ({ person: admin, t }, words) => {
    const [chargeId, rest] = splitFirst(words);
    if (chargeId === '') return { answer: { text: t('office.refundUsage') } };
    const reason = shortReason(rest);
    const outcome = await deps.books.refunds.request({
      chargeId,
      by: { kind: 'admin', adminId: admin.id },
      ...(reason === undefined ? {} : { reason }),
    });
    const payment =
      outcome.kind === 'unknown' ? undefined : await deps.books.payments.find(chargeId);
    return {
      deed: {
        aboutId: payment?.personId,
        why: reason,
        details: {
          outcome: outcome.kind,
          // Of no payment of ours: anything may have been typed.
          chargeId: chargeId.slice(0, 200),
          amountXtr: payment?.amountXtr ?? null,
        },
      },
      answer: { text: refundText(t, outcome) },
    };
  });
}

function refundText(t: Translate, outcome: RefundRequestOutcome): string {
  switch (outcome.kind) {
    case 'requested':
      return t('office.refund.requested', {
        amount: showStars(starsOfXtr(outcome.amountXtr)),
        id: outcome.personId,
        balance: showStars(outcome.balance),
      });
    case 'already':
      return t('office.refund.already', { state: t(`office.refundStates.${outcome.state}`) });
    case 'spent':
      return t('office.refund.spent', {
        amount: showStars(starsOfXtr(outcome.amountXtr)),
        left: showStars(outcome.left),
      });
    case 'unknown':
      return t('office.refund.unknown');
    case 'late':
      // Asked for without a limit.
      throw new Error('An operator may return a payment of any age');
  }
}
