import { paymentsScreen } from '../../views/office.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand, findMeant, isOutcome } from './admin-command.ts';

/** Payments that are listed: with long charge ids, as many as fit into a message. */
const SHOWN = 15;

/** /payments [id|@name]: the newest payments, with their charge ids to be copied. */
export function createPaymentsCommand(deps: CommandDeps): Command {
  return createAdminCommand(deps, 'payments', async (ctx, words) => {
    const { t, person: admin } = ctx;
    const about = words === '' ? undefined : await findMeant(deps, ctx, words, '/payments @name');
    if (about && isOutcome(about)) return about;
    const query = about ? { personId: about.id, limit: SHOWN } : { limit: SHOWN };
    const payments = await deps.books.payments.list(query);
    return {
      deed: about ? { aboutId: about.id } : {},
      answer: paymentsScreen(t, admin.language, payments, about, payments.length === SHOWN),
    };
  });
}
