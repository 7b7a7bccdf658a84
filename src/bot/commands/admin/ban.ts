import { escapeHtml } from '../../i18n.ts';
import type { Command, CommandDeps } from '../command.ts';
import {
  createAdminCommand,
  findMeant,
  isOutcome,
  shortReason,
  splitFirst,
} from './admin-command.ts';

/** /ban <id|@name> [reason]: nothing can be ordered or paid any more; what runs goes on. */
export function createBanCommand(deps: CommandDeps): Command {
  return createAdminCommand(deps, 'ban', async (ctx, words) => {
    const { t } = ctx;
    const [who, rest] = splitFirst(words);
    const person = await findMeant(deps, ctx, who, '/ban 123456789 spam');
    if (isOutcome(person)) return person;
    if (deps.adminIds.includes(person.id)) return { answer: { text: t('office.cannotBanAdmin') } };
    const why = shortReason(rest);
    const isNew = await deps.office.bans.ban(person.id, why);
    const values = { name: escapeHtml(person.firstName), id: person.id };
    return {
      deed: { aboutId: person.id, why, details: { outcome: isNew ? 'banned' : 'before' } },
      answer: { text: t(isNew ? 'office.banned' : 'office.bannedBefore', values) },
    };
  });
}

/** /unban <id|@name>. */
export function createUnbanCommand(deps: CommandDeps): Command {
  return createAdminCommand(deps, 'unban', async (ctx, words) => {
    const [who, rest] = splitFirst(words);
    const person = await findMeant(deps, ctx, who, '/unban 123456789');
    if (isOutcome(person)) return person;
    const freed = await deps.office.bans.unban(person.id);
    const values = { name: escapeHtml(person.firstName) };
    const details = { outcome: freed ? 'unbanned' : 'not_banned' };
    return {
      deed: { aboutId: person.id, why: shortReason(rest), details },
      answer: { text: ctx.t(freed ? 'office.unbanned' : 'office.notBanned', values) },
    };
  });
}
