import { auditScreen } from '../../views/office.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand } from './admin-command.ts';

/** /audit: whether the books agree, and where they do not. */
export function createAuditCommand(deps: CommandDeps): Command {
  return createAdminCommand(deps, 'audit', async ({ person, t }) => {
    const report = await deps.messenger.during(person.id, 'typing', () => deps.office.audit());
    return {
      deed: { details: { differences: report.differences.length } },
      answer: auditScreen(t, report),
    };
  });
}
