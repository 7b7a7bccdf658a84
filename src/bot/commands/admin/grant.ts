import { parseStars, type Stars } from '../../../domain/stars.ts';
import { showStars } from '../../amounts.ts';
import { orderButton } from '../../callback-data.ts';
import { escapeHtml } from '../../i18n.ts';
import { describeError } from '../../log.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand, shortReason, splitFirst } from './admin-command.ts';

/** A slip of the finger stays below this; the ledger itself holds up to 99,999,999.99. */
const MAX_GRANT = 100_000_000 as Stars;

/** /grant <id|@name> <stars> [reason]: gives a person stars. The same message grants once. */
export function createGrantCommand(deps: CommandDeps): Command {
  const { ledger, messenger, office, people } = deps;

  async function tell(personId: number, amount: Stars): Promise<boolean> {
    const person = await people.find(personId);
    if (!person) return false;
    const t = deps.translator(person.language);
    const open = await deps.orders().findOpen(personId);
    const balance = await ledger.balance(personId);
    const values = { amount: showStars(amount), balance: showStars(balance) };
    const button =
      open && orderButton(t('common.continue'), { action: 'continue', orderId: open.id });
    const screen = {
      text: t('account.granted', values),
      ...(button ? { keyboard: [[button]] } : {}),
    };
    return (await messenger.send(personId, screen)) !== undefined;
  }

  return createAdminCommand(deps, 'grant', async ({ t, chatId, msgId }, words) => {
    const [who, rest] = splitFirst(words);
    const [stars, given] = splitFirst(rest);
    const amount = parseStars(stars);
    if (amount === undefined) return { answer: { text: t('admin.grantUsage') } };
    if (amount <= 0 || amount > MAX_GRANT) {
      return { answer: { text: t('admin.grantAmount', { max: showStars(MAX_GRANT) }) } };
    }
    const person = await office.directory.lookUp(who);
    if (!person) return { answer: { text: t('admin.grantUnknown', { id: escapeHtml(who) }) } };

    const reason = shortReason(given);
    const outcome = await ledger.topUp({
      personId: person.id,
      amount,
      paymentMethod: 'Admin',
      // Update ids begin anew after a quiet week; a message keeps its own.
      key: `grant:${chatId}:${msgId}`,
      ...(reason === undefined ? {} : { reason }),
    });
    const told = await tell(person.id, amount).catch((error: unknown) => {
      deps.log.warn(describeError(error), 'A grant could not be told');
      return false;
    });
    const balance =
      outcome.kind === 'topped_up' ? outcome.balance : await ledger.balance(person.id);
    const values = {
      name: escapeHtml(person.firstName),
      amount: showStars(amount),
      balance: showStars(balance),
    };
    return {
      deed: {
        aboutId: person.id,
        why: reason,
        details: { outcome: outcome.kind, stars: amount / 100 },
      },
      answer: { text: t(told ? 'admin.granted' : 'admin.grantedUntold', values) },
    };
  });
}
