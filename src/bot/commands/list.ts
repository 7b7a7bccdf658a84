import { createAuditCommand } from './admin/audit.ts';
import { createBanCommand, createUnbanCommand } from './admin/ban.ts';
import { createExportCommand } from './admin/export.ts';
import { createGrantCommand } from './admin/grant.ts';
import { createPaymentsCommand } from './admin/payments.ts';
import { createPromoNewCommand } from './admin/promo-new.ts';
import { createRefundCommand } from './admin/refund.ts';
import { createPauseCommand, createResumeCommand } from './admin/sales.ts';
import { createStatsCommand } from './admin/stats.ts';
import { createAnswerCommand, createTicketsCommand } from './admin/tickets.ts';
import { createUserCommand } from './admin/user.ts';
import { createAvatarsCommand } from './avatars.ts';
import { createBalanceCommand } from './balance.ts';
import { createCancelCommand } from './cancel.ts';
import type { Command, CommandDeps } from './command.ts';
import { createForgetMeCommand } from './forget-me.ts';
import { createGenderCommand } from './gender.ts';
import { createHelpCommand } from './help.ts';
import { createHistoryCommand } from './history.ts';
import { createInviteCommand } from './invite.ts';
import { createLanguageCommand } from './language.ts';
import { createPrivacyCommand, createTermsCommand } from './legal.ts';
import { createPaySupportCommand } from './pay-support.ts';
import { createPriceCommand } from './price.ts';
import { createPromoCommand } from './promo.ts';
import { createServiceCommands } from './services.ts';
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
  const admins: readonly Command[] = [
    createUserCommand(deps),
    createTicketsCommand(deps),
    createAnswerCommand(deps),
    createPaymentsCommand(deps),
    createRefundCommand(deps),
    createGrantCommand(deps),
    createBanCommand(deps),
    createUnbanCommand(deps),
    createPromoNewCommand(deps),
    createStatsCommand(deps),
    createExportCommand(deps),
    createAuditCommand(deps),
    createPauseCommand(deps),
    createResumeCommand(deps),
  ];
  const everyone: readonly Command[] = [
    createStartCommand(deps),
    ...createServiceCommands(deps),
    createAvatarsCommand(deps),
    createPriceCommand(deps),
    createBalanceCommand(deps),
    createTopUpCommand(deps),
    createHistoryCommand(deps),
    createStatusCommand(deps),
    createCancelCommand(deps),
    createInviteCommand(deps),
    createPromoCommand(deps),
    createLanguageCommand(deps),
    createGenderCommand(deps),
    createHelpCommand(deps, () => ({ everyone, admins })),
    createPrivacyCommand(deps),
    createForgetMeCommand(deps),
    createTermsCommand(deps),
    createPaySupportCommand(deps),
  ];
  return { everyone, admins };
}
