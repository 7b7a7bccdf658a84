import { conversations, createConversation } from '@grammyjs/conversations';
import { sequentialize } from '@grammyjs/runner';
import type { Ledger } from '../ledger/ledger.ts';
import type { ChatPort } from '../orders/chat-port.ts';
import type { Orders } from '../orders/orders.ts';
import type { People } from '../people/people.ts';
import type { Catalogue } from '../services/catalogue.ts';
import { createAlarms } from './alarms.ts';
import { createAwaitedNames } from './awaited-name.ts';
import { decodeOrderPress } from './callback-data.ts';
import { createCollector } from './collector.ts';
import { finish } from './commands/admin/admin-command.ts';
import { answerTicket } from './commands/admin/tickets.ts';
import { createAvatarNaming } from './commands/avatars.ts';
import type { CommandDeps } from './commands/command.ts';
import { createAgainButton } from './commands/history.ts';
import { createCommandList } from './commands/list.ts';
import { publishCommands, publishForAdmin } from './commands/publish.ts';
import type { BotContext } from './context.ts';
import { enterDialogue } from './conversations/enter-dialogue.ts';
import { createOrderDialogue, dialogueVersion, ORDER } from './conversations/order-dialogue.ts';
import { createOrderFlow } from './conversations/order-flow.ts';
import { createDelivery } from './delivery.ts';
import { downloadFile } from './download.ts';
import { createFullStorageNotice } from './full-storage.ts';
import { createHandleUpdate } from './handle-update.ts';
import { createTranslator, LOCALES_DIR, type ServiceTexts } from './i18n.ts';
import { introduceBot } from './introduce-bot.ts';
import type { Log } from './log.ts';
import { createMessenger } from './messenger.ts';
import { answerPresses } from './middleware/answer-presses.ts';
import { createBanGate } from './middleware/ban-gate.ts';
import { createCancelling } from './middleware/cancel.ts';
import { createCounting } from './middleware/counting.ts';
import {
  type ConversationStore,
  dialogueStorage,
  leaveDialogue,
  rethrowDialogueError,
} from './middleware/dialogue.ts';
import { createFallback } from './middleware/fallback.ts';
import { createGroupsMiddleware } from './middleware/groups.ts';
import { createMediaCollector } from './middleware/media-collector.ts';
import { createNewestMessage } from './middleware/newest-message.ts';
import { createPersonMiddleware } from './middleware/person.ts';
import { registerAtOnce, registerButtons, registerInTurn } from './middleware/register-commands.ts';
import { createSupportMessages } from './middleware/support-messages.ts';
import type { Office } from './office.ts';
import type { PaymentOffers, StarBooks } from './payments/books.ts';
import { createCashier } from './payments/create-cashier.ts';
import { createProgressDisplay } from './progress-display.ts';
import { createQuestions } from './questions.ts';
import { createAwaitedQuestions } from './support/awaited-question.ts';
import { createSupportDesk } from './support/support-desk.ts';
import { type BotTimings, DEFAULT_TIMINGS } from './timings.ts';
import { createTransport } from './transport.ts';
import { createUpdateSource, type Inbox } from './update-source.ts';

export interface CreateBotDeps {
  readonly token: string;
  /** `https://api.telegram.org`, or a Bot API server of one's own. */
  readonly apiRoot: string;
  readonly adminIds: readonly number[];
  /** Asked for when needed: orders are made with this bot's `chatPort`, so they come after it. */
  readonly orders: () => Orders;
  readonly people: People;
  readonly ledger: Pick<Ledger, 'balance' | 'reserved' | 'statement' | 'topUp'>;
  readonly books: StarBooks;
  readonly offers: PaymentOffers;
  readonly office: Office;
  /** What is sold here. */
  readonly catalogue: Catalogue;
  /** Words of services that are not in `locales`. */
  readonly serviceTexts?: ServiceTexts;
  readonly inbox: Inbox;
  readonly conversationStore: ConversationStore;
  readonly isDatabaseDown: (error: unknown) => boolean;
  readonly isDatabaseFull: (error: unknown) => boolean;
  readonly limits: {
    readonly maxPhotos: number;
    /** Told to people: when their files are deleted, in hours after delivery. */
    readonly retentionHours: number;
  };
  /** Whether videos are rendered on this machine, and by nobody else. */
  readonly photosStayHere: boolean;
  readonly log: Log;
  /** Called once when the bot can never work again, as with a revoked token. */
  readonly onFatal: (error: Error) => void;
  readonly timings?: Partial<BotTimings>;
}

export interface MorphBot {
  /** For the orders; usable from the first moment on. */
  readonly chatPort: ChatPort;
  /**
   * Introduces itself to Telegram, however long that is away, and begins to take updates; returns
   * early when it is stopped meanwhile.
   * @throws {Error} when Telegram does not accept the token.
   */
  start(): Promise<void>;
  /** Takes no more updates and lets running handlers end, at most until the deadline. */
  stop(deadlineMs: number): Promise<void>;
}

/** The whole bot, put together; nothing moves before `start`. */
export function createBot(deps: CreateBotDeps): MorphBot {
  const { orders, people, ledger, books, offers, catalogue, adminIds, log } = deps;
  const timings: BotTimings = { ...DEFAULT_TIMINGS, ...deps.timings };
  const bot = createTransport({ ...deps, retryPauseMs: timings.retryPauseMs });
  const translator = createTranslator(LOCALES_DIR, deps.serviceTexts);
  const messenger = createMessenger({ api: bot.api, people, log });
  const shared = { orders, people, messenger, translator, catalogue, log };
  const collector = createCollector({ ...shared, terms: deps.limits, timings: timings.collector });
  const progress = createProgressDisplay({ ...shared, timings: timings.progress });
  const alarm = createAlarms({ ...shared, adminIds });
  const cashier = createCashier({
    ...shared,
    api: bot.api,
    ...{ books, ledger, offers, alarm },
    retentionHours: deps.limits.retentionHours,
    timings: timings.payments,
  });
  const { checkout } = cashier;
  const terms = deps.limits;
  const questions = createQuestions(messenger);
  const flow = createOrderFlow({
    ...shared,
    api: bot.api,
    ...{ collector, progress, questions, checkout, terms },
    packs: offers.packs,
  });
  const cancelling = createCancelling({ ...shared, collector, progress, checkout });
  const stopping = new AbortController();
  const introduce = introduceBot(bot, {
    log,
    signal: stopping.signal,
    pauseMs: timings.updates.maxPauseMs,
  });
  const { office } = deps;
  const awaited = createAwaitedQuestions(deps.conversationStore);
  const names = createAwaitedNames(deps.conversationStore);
  const support = createSupportDesk({ ...shared, ledger, adminIds, tickets: office.tickets });
  let publishing: Promise<void> | undefined;

  const commandDeps: CommandDeps = {
    ...shared,
    api: bot.api,
    ledger,
    ...{ office, support, awaited, names, books, checkout, offers },
    flow,
    progress,
    cancelling,
    adminIds,
    showAdminMenu: (adminId) => publishForAdmin(menus, adminId),
    retentionHours: deps.limits.retentionHours,
    photosStayHere: deps.photosStayHere,
  };
  const commands = createCommandList(commandDeps);
  const menus = { api: bot.api, list: commands, translator, log };
  const person = createPersonMiddleware(shared);
  const gate = createBanGate(messenger);

  const payments = cashier.serve({ flow, person });

  // Every press is answered, whatever happens below.
  bot.use(createNewestMessage(), answerPresses);
  // Money that came or went is booked before anything else, in whatever state the chat is.
  bot.use(payments.incoming);
  // Groups end here.
  bot.use(createGroupsMiddleware(translator));
  bot.on('my_chat_member', async (ctx) => {
    const blocked = ctx.myChatMember.new_chat_member.status === 'kicked';
    if (blocked) await people.setBlocked(ctx.from.id, true);
  });

  // What never waits for its chat's turn: questions and answers, /paysupport, /cancel and Cancel, the
  // admins' commands, and the answer to a second Done.
  bot.use(
    createSupportMessages({
      ...{ support, awaited, messenger, person, adminIds, log },
      answer: async (ctx, ticketId, text) =>
        finish(commandDeps, ctx, 'answer', await answerTicket(commandDeps, ctx, ticketId, text)),
    }),
  );
  registerAtOnce(bot, commands, { person, gate, adminIds });
  bot.on('callback_query:data').filter(isCancelPress, person, gate, async (ctx, next) => {
    await cancelling.press(ctx);
    if (ctx.dialogueIsOver) await next();
  });
  bot.use(createCounting(person));

  // From here on one update of a chat at a time, in the order they came.
  bot.use(sequentialize((ctx) => ctx.chat?.id.toString()));
  bot.use(person, gate);
  bot.use(createMediaCollector({ ...shared, collector, cancelling, questions, checkout, flow }));
  bot.use(rethrowDialogueError);
  bot.use(
    conversations({ storage: dialogueStorage(deps.conversationStore, dialogueVersion(flow)) }),
  );
  bot.use(leaveDialogue);
  bot.use(createAvatarNaming(commandDeps));
  bot.use(createConversation(createOrderDialogue(flow), ORDER));

  // What the dialogue does not take, and everything when none is running.
  registerInTurn(bot, commands);
  registerButtons(bot, commands, [createAgainButton(commandDeps), ...payments.buttons]);
  bot.on('callback_query:data', async (ctx, next) => {
    const press = decodeOrderPress(ctx.callbackQuery.data);
    if (!press) return next();
    const stage = await flow.press(ctx, press);
    const open = press.action === 'repeat' || press.action === 'use' ? await current(ctx) : press;
    if (stage === 'asking' && open) await enterDialogue(ctx, open.orderId);
  });
  bot.on('message:text', async (ctx, next) => {
    const open = ctx.message.text.startsWith('/') ? undefined : await current(ctx);
    const stage = open ? await flow.say(ctx, open.orderId, ctx.message.text) : 'ignored';
    if (stage === 'ignored') return next();
    if (stage === 'asking' && open) await enterDialogue(ctx, open.orderId);
  });
  bot.use(createFallback(shared));

  const updates = createUpdateSource({
    api: bot.api,
    inbox: deps.inbox,
    onPreCheckout: cashier.onPreCheckout,
    handle: createHandleUpdate({
      ...{ bot, translator, log },
      isDatabaseDown: deps.isDatabaseDown,
      stopping: stopping.signal,
    }),
    isDatabaseDown: deps.isDatabaseDown,
    onWaiting: createFullStorageNotice({ ...shared, alarm, isDatabaseFull: deps.isDatabaseFull }),
    onFatal: deps.onFatal,
    log,
    timings: timings.updates,
  });

  /** The order that a person is busy with. */
  async function current({ person: { id } }: BotContext) {
    const open = await orders().findOpen(id);
    return open && { orderId: open.id };
  }

  return {
    chatPort: {
      ...createDelivery({ ...shared, api: bot.api, username: introduce }),
      alarm,
      intakeChanged: collector.changed,
      progressChanged: progress.changed,
      fetchFile: (fileId, path, signal) =>
        downloadFile({ api: bot.api, log, timings: timings.download }, fileId, path, signal),
    },

    async start() {
      try {
        await introduce();
      } catch (error) {
        if (stopping.signal.aborted) return;
        throw error;
      }
      updates.start();
      progress.start();
      payments.start();
      // Menus are a convenience: nobody waits for them.
      publishing = publishCommands({ ...menus, adminIds });
    },

    async stop(deadlineMs) {
      stopping.abort();
      await updates.stop(deadlineMs);
      const rest = Promise.all([collector.stop(), progress.stop(), cashier.stop(), publishing]);
      await Promise.race([rest, timeout(deadlineMs)]);
    },
  };
}

function isCancelPress(ctx: BotContext): boolean {
  return decodeOrderPress(ctx.callbackQuery?.data)?.action === 'cancel';
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
