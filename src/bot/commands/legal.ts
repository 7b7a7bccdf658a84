import { termsText } from '../views/payments.ts';
import type { Command, CommandDeps } from './command.ts';

/** /privacy: what happens to photos. */
export function createPrivacyCommand(deps: CommandDeps): Command {
  const { messenger, retentionHours, photosStayHere } = deps;
  return {
    name: 'privacy',
    description: 'common.commands.privacy',
    async handle({ person, t }) {
      const text = t('legal.privacy', {
        hours: t('morph.hours', { count: retentionHours }),
        where: t(photosStayHere ? 'legal.here' : 'legal.atReplicate'),
      });
      await messenger.send(person.id, { text });
    },
  };
}

/** /terms: what is promised for stars. */
export function createTermsCommand(deps: CommandDeps): Command {
  const { messenger, offers, retentionHours } = deps;
  return {
    name: 'terms',
    description: 'common.commands.terms',
    async handle({ person, t }) {
      const { refundDays } = offers;
      await messenger.send(person.id, { text: termsText(t, { retentionHours, refundDays }) });
    },
  };
}
