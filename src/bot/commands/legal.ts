import type { Command, CommandDeps } from './command.ts';

/** /privacy and /terms: what happens to photos and stars. */
export function createLegalCommand(
  name: 'privacy' | 'terms',
  { messenger, retentionHours, photosStayHere }: CommandDeps,
): Command {
  return {
    name,
    description: `common.commands.${name}`,
    async handle({ person, t }) {
      const text = t(`legal.${name}`, {
        hours: t('morph.hours', { count: retentionHours }),
        where: t(photosStayHere ? 'legal.here' : 'legal.atReplicate'),
      });
      await messenger.send(person.id, { text });
    },
  };
}
