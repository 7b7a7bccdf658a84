import type { FilterQuery, MiddlewareFn } from 'grammy';
import type { Orders } from '../../orders/orders.ts';
import type { BotContext } from '../context.ts';
import type { TextKey } from '../i18n.ts';
import type { Messenger } from '../messenger.ts';
import { createRecent } from '../recent.ts';

/** What a person may send; everything else is Telegram's own news of the chat. */
const CONTENT: FilterQuery[] = [
  ':text',
  ':sticker',
  ':voice',
  ':video',
  ':video_note',
  ':audio',
  ':animation',
  ':document',
  ':contact',
  ':location',
  ':poll',
  ':dice',
];

/** The last resort: no press and no message stays without a kind answer. */
export function createFallback(deps: {
  readonly orders: () => Orders;
  readonly messenger: Messenger;
}): MiddlewareFn<BotContext> {
  /** The last album that was answered, of each chat: one hint is enough for its ten items. */
  const hinted = createRecent<number, string>();

  return async (ctx) => {
    const { person, t } = ctx;
    if (ctx.callbackQuery) {
      await ctx.answer(t('common.oldButton'), { alert: true });
      return;
    }
    if (!ctx.has(CONTENT)) return;
    const album = ctx.message?.media_group_id;
    if (album !== undefined) {
      if (hinted.get(person.id) === album) return;
      hinted.set(person.id, album);
    }
    const key = isCommand(ctx) ? 'common.unknownCommand' : await hintFor(person.id);
    await deps.messenger.send(person.id, { text: t(key) });
  };

  async function hintFor(personId: number): Promise<TextKey> {
    const order = await deps.orders().findOpen(personId);
    if (!order) return 'common.hintStart';
    return order.state === 'draft' ? 'morph.hintPhotos' : 'morph.hintButtons';
  }
}

function isCommand(ctx: BotContext): boolean {
  return ctx.message?.text?.startsWith('/') === true;
}
