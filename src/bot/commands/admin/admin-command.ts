import type { AdminDeed } from '../../../people/admin-log.ts';
import type { Person } from '../../../people/people.ts';
import type { BotContext } from '../../context.ts';
import type { Screen } from '../../messenger.ts';
import type { Command, CommandDeps } from '../command.ts';

/** What came of an operator's command. */
export interface Outcome {
  /** What is written into the log; nothing when the command was not understood. */
  readonly deed?: Omit<AdminDeed, 'adminId' | 'command'>;
  /** What the operator sees of it. */
  readonly answer: Screen | (() => Promise<unknown>);
}

export const ADMIN_COMMANDS = [
  'user',
  'tickets',
  'answer',
  'payments',
  'refund',
  'grant',
  'ban',
  'unban',
  'promo_new',
  'stats',
  'export',
  'audit',
  'pause',
  'resume',
] as const;
export type AdminCommandName = (typeof ADMIN_COMMANDS)[number];

/**
 * A command of the operators. What it did is in the log before the operator is answered; handled again
 * after a kill, it is in the log again.
 * @param run gets the words behind the command.
 */
export function createAdminCommand(
  deps: Pick<CommandDeps, 'messenger' | 'office'>,
  name: AdminCommandName,
  run: (ctx: BotContext, words: string) => Promise<Outcome>,
): Command {
  return {
    name,
    description: `office.commands.${name}`,
    atOnce: true,
    async handle(ctx) {
      const words = typeof ctx.match === 'string' ? ctx.match.trim() : '';
      await finish(deps, ctx, name, await run(ctx, words));
    },
  };
}

/** Writes an operator's deed down and answers; for commands, and for replies and presses that act as one. */
export async function finish(
  { messenger, office }: Pick<CommandDeps, 'messenger' | 'office'>,
  { person }: BotContext,
  command: AdminCommandName,
  { deed, answer }: Outcome,
): Promise<void> {
  if (deed) await office.adminLog.write({ adminId: person.id, command, ...deed });
  if (typeof answer === 'function') await answer();
  else await messenger.send(person.id, answer);
}

/** The first word, and all behind it. */
export function splitFirst(words: string): readonly [first: string, rest: string] {
  const [, first = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(words) ?? [];
  return [first, rest.trim()];
}

/** Reasons are a line, not a letter. */
export function shortReason(text: string): string | undefined {
  return text === '' ? undefined : text.slice(0, 200);
}

/** Whom an operator means by an id or a name, or what to answer. */
export async function findMeant(
  { office }: Pick<CommandDeps, 'office'>,
  { t }: BotContext,
  words: string,
  example: string,
): Promise<Person | Outcome> {
  if (words === '') return { answer: { text: t('office.whoUsage', { example }) } };
  const person = await office.directory.lookUp(words);
  return person ?? { answer: { text: t('office.nobody') } };
}

export function isOutcome(found: Person | Outcome): found is Outcome {
  return 'answer' in found;
}
