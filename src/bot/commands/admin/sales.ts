import { showMoment } from '../../amounts.ts';
import { escapeHtml } from '../../i18n.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand, shortReason } from './admin-command.ts';

/** /pause [reason]: nothing new is sold; what was paid for goes on. */
export function createPauseCommand(deps: CommandDeps): Command {
  const { sales } = deps.office;
  return createAdminCommand(deps, 'pause', async ({ person: admin, t }, words) => {
    const why = shortReason(words);
    const isNew = await sales.pause(admin.id, why);
    const deed = { why, details: { outcome: isNew ? 'paused' : 'before' } };
    const before = isNew ? undefined : await sales.paused();
    if (!before) return { deed, answer: { text: t('office.paused') } };
    const text = t('office.pausedBefore', {
      since: showMoment(before.at, admin.language),
      by: before.by,
      reason: before.why === null ? t('office.noReason') : escapeHtml(before.why),
    });
    return { deed, answer: { text } };
  });
}

/** /resume: sells again. */
export function createResumeCommand(deps: CommandDeps): Command {
  return createAdminCommand(deps, 'resume', async ({ t }, words) => {
    const resumed = await deps.office.sales.resume();
    return {
      deed: {
        why: shortReason(words),
        details: { outcome: resumed ? 'resumed' : 'not_paused' },
      },
      answer: { text: t(resumed ? 'office.resumed' : 'office.notPaused') },
    };
  });
}
