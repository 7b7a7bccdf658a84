import type { Api } from 'grammy';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Orders } from '../../orders/orders.ts';
import type { People } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import type { AwaitedNames } from '../awaited-name.ts';
import type { BotContext } from '../context.ts';
import type { OrderFlow } from '../conversations/order-flow.ts';
import type { ServiceTextKey, TextKey, Translator } from '../i18n.ts';
import type { Log } from '../log.ts';
import type { Messenger } from '../messenger.ts';
import type { Cancelling } from '../middleware/cancel.ts';
import type { Office } from '../office.ts';
import type { PaymentOffers, StarBooks } from '../payments/books.ts';
import type { Checkout } from '../payments/checkout.ts';
import type { ProgressDisplay } from '../progress-display.ts';
import type { AwaitedQuestions } from '../support/awaited-question.ts';
import type { SupportDesk } from '../support/support-desk.ts';

/** Something a person can ask for by its name, from the menu, or by its own buttons. */
export interface Command {
  readonly name: string;
  /** Other names it answers to. */
  readonly aliases?: readonly string[];
  readonly description: TextKey | ServiceTextKey;
  /** Whether menus and /help name it now; unset: always. It is understood in any case. */
  readonly isOffered?: () => boolean;
  /** Handled before the chat's turn: nothing slow may hold it up. */
  readonly atOnce?: boolean;
  handle(ctx: BotContext): Promise<void>;
  /** Its buttons, whose data is `<prefix>:<value>`; false when the value makes no sense. */
  readonly button?: {
    readonly prefix: string;
    press(ctx: BotContext, value: string): Promise<boolean>;
  };
}

/** What the commands are made of. */
export interface CommandDeps {
  readonly api: Api;
  readonly orders: () => Orders;
  readonly people: People;
  readonly ledger: Pick<Ledger, 'balance' | 'reserved' | 'statement' | 'topUp'>;
  readonly books: Pick<StarBooks, 'payments' | 'refunds'>;
  readonly checkout: Checkout;
  readonly offers: PaymentOffers;
  readonly office: Office;
  readonly support: SupportDesk;
  readonly awaited: AwaitedQuestions;
  readonly messenger: Messenger;
  readonly flow: OrderFlow;
  readonly catalogue: Catalogue;
  readonly names: AwaitedNames;
  readonly progress: ProgressDisplay;
  readonly cancelling: Cancelling;
  readonly translator: Translator;
  readonly adminIds: readonly number[];
  /** Shows an operator their commands, once they have a chat with the bot. */
  readonly showAdminMenu: (adminId: number) => Promise<void>;
  readonly retentionHours: number;
  /** Whether videos are rendered on this machine, as /privacy tells. */
  readonly photosStayHere: boolean;
  readonly log: Log;
}
