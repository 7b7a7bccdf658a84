import { createGrantCommand } from './admin/grant.ts';
import { createBalanceCommand } from './balance.ts';
import { createCancelCommand } from './cancel.ts';
import type { Command, CommandDeps } from './command.ts';
import { createGenderCommand } from './gender.ts';
import { createHelpCommand } from './help.ts';
import { createHistoryCommand } from './history.ts';
import { createLanguageCommand } from './language.ts';
import { createPrivacyCommand, createTermsCommand } from './legal.ts';
import { createMorphCommand } from './morph.ts';
import { createPaySupportCommand } from './pay-support.ts';
import { createStartCommand } from './start.ts';
import { createStatusCommand } from './status.ts';
import { createTopUpCommand } from './top-up.ts';

/** Every command there is: what is registered, what the menus of Telegram show and what /help prints. */
export interface CommandList {
  /** In the order of the menu. */
  readonly everyone: readonly Command[];
  /** Unknown to everybody but admins. */
  readonly admins: readonly Command[];
}

export function createCommandList(deps: CommandDeps): CommandList {
  const admins: readonly Command[] = [createGrantCommand(deps)];
  const everyone: readonly Command[] = [
    createStartCommand(deps),
    createMorphCommand(deps),
    createBalanceCommand(deps),
    createTopUpCommand(deps),
    createHistoryCommand(deps),
    createStatusCommand(deps),
    createCancelCommand(deps),
    createLanguageCommand(deps),
    createGenderCommand(deps),
    createHelpCommand(deps, (isAdmin) => (isAdmin ? [...everyone, ...admins] : everyone)),
    createPrivacyCommand(deps),
    createTermsCommand(deps),
    createPaySupportCommand(deps),
  ];
  return { everyone, admins };
}
