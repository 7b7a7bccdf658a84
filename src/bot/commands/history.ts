import type { HistoryItem } from '../../orders/orders.ts';
import { showDay } from '../amounts.ts';
import type { BotContext } from '../context.ts';
import { isBadRequest } from '../telegram-errors.ts';
import { HISTORY_PAGE, historyScreen } from '../views/account.ts';
import { againCaption } from '../views/result.ts';
import type { Command, CommandDeps } from './command.ts';

/** How many orders are read at once when looking for one. */
const SEARCH_PAGE = 50;

/** /history: past orders, page by page; a delivered one can be sent again, by what Telegram has already. */
export function createHistoryCommand(deps: CommandDeps): Command {
  const { messenger } = deps;

  async function pageScreen({ person, t }: BotContext, offset: number) {
    const page = await deps.orders().history(person.id, { limit: HISTORY_PAGE, offset });
    return historyScreen(t, person.language, { ...page, offset });
  }

  return {
    name: 'history',
    description: 'common.commands.history',
    async handle(ctx) {
      await messenger.send(ctx.person.id, await pageScreen(ctx, 0));
    },
    button: {
      prefix: 'history',
      async press(ctx, value) {
        if (!/^\d{1,6}$/.test(value)) return false;
        await ctx.answer();
        const screen = await pageScreen(ctx, Number(value));
        await messenger.put(ctx.person.id, ctx.messageId, screen);
        return true;
      },
    },
  };
}

/** The buttons of /history that send a past video again. */
export function createAgainButton(deps: CommandDeps): NonNullable<Command['button']> {
  const { api } = deps;

  async function find(personId: number, orderId: string): Promise<HistoryItem | undefined> {
    for (let offset = 0; ; offset += SEARCH_PAGE) {
      const page = await deps.orders().history(personId, { limit: SEARCH_PAGE, offset });
      const item = page.items.find(({ order }) => order.id === orderId);
      if (item || offset + SEARCH_PAGE >= page.total) return item;
    }
  }

  async function send({ person, t, me }: BotContext, item: HistoryItem): Promise<void> {
    const { previewFileId, documentFileIds } = item;
    const day = showDay(item.order.createdAt, person.language);
    const options = { caption: againCaption(t, day, me.username), parse_mode: 'HTML' as const };
    const isMorph = deps.catalogue.find(item.order.serviceType)?.finish === 'stitched_video';
    if (!isMorph) {
      // Messages of any kind, as they came.
      for (const messageId of item.messageIds) {
        await api.copyMessage(person.id, person.id, messageId);
      }
      return;
    }
    if (previewFileId !== null) await api.sendVideo(person.id, previewFileId, options);
    for (const fileId of documentFileIds) await api.sendDocument(person.id, fileId, options);
  }

  return {
    prefix: 'again',
    async press(ctx, value) {
      const item = await find(ctx.person.id, value);
      if (!item || item.messageIds.length === 0) return false;
      await ctx.answer(ctx.t('account.sendingAgain'));
      try {
        await send(ctx, item);
      } catch (error) {
        if (!isBadRequest(error)) throw error;
        await deps.messenger.send(ctx.person.id, { text: ctx.t('account.cannotSendAgain') });
      }
      return true;
    },
  };
}
