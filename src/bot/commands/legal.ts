import { draftHours } from '../../domain/draft-hours.ts';
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
        draft: t('morph.hours', { count: draftHours(retentionHours) }),
        where: t(photosStayHere ? 'legal.here' : 'legal.atReplicate'),
      });
      await messenger.send(person.id, { text });
    },
  };
}

/** /terms: what is promised for stars. */
export function createTermsCommand({ checkout }: CommandDeps): Command {
  return {
    name: 'terms',
    description: 'common.commands.terms',
    handle: (ctx) => checkout.showTerms(ctx),
  };
}
