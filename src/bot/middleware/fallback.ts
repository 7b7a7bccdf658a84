import type { FilterQuery, MiddlewareFn } from 'grammy';
import type { Orders, OrderView } from '../../orders/orders.ts';
import { showWait } from '../amounts.ts';
import type { BotContext } from '../context.ts';
import { serviceWords, type Translate } from '../i18n.ts';
import type { Messenger } from '../messenger.ts';
import { createRecent } from '../recent.ts';

/** What a person may send; everything else is Telegram's own news of the chat. */
export const CONTENT: FilterQuery[] = [
  ':text',
  ':photo',
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
    const text = isCommand(ctx) ? t('common.unknownCommand') : await hintFor(person.id, t);
    await deps.messenger.send(person.id, { text });
  };

  /** Which order is open, and what it waits for. */
  async function hintForOrder(order: OrderView, t: Translate): Promise<string> {
    return `${serviceWords(t, order.serviceType)('button')}: ${await waitsFor(order, t)}`;
  }

  async function waitsFor({ id, personId, state }: OrderView, t: Translate): Promise<string> {
    if (state === 'quoted') return t('morph.hintButtons');
    const next = await deps.orders().next(id, personId);
    if (next.kind !== 'ask') return t('morph.hintButtons');
    const { question } = next;
    if (question.kind === 'photos') {
      return t(question.max === 1 ? 'common.hints.photo' : 'morph.hintPhotos');
    }
    return t(`common.hints.${question.kind}`);
  }

  /** What was paid comes first, so that no word of another order reads as if it were about that one. */
  async function hintFor(personId: number, t: Translate): Promise<string> {
    const [running] = await deps.orders().active(personId);
    const open = await deps.orders().findOpen(personId);
    const hints = [
      ...(running ? [await hintForRunning(running, t)] : []),
      ...(open ? [await hintForOrder(open, t)] : []),
    ];
    return hints.length > 0 ? hints.join('\n\n') : t('common.hintStart');
  }

  async function hintForRunning({ id }: OrderView, t: Translate): Promise<string> {
    const { etaSeconds = null, waitingForProvider } = (await deps.orders().progress(id)) ?? {};
    return etaSeconds === null || waitingForProvider
      ? t('order.hintRunning')
      : t('order.hintRunningEta', { wait: showWait(t, etaSeconds) });
  }
}

function isCommand(ctx: BotContext): boolean {
  return ctx.message?.text?.startsWith('/') === true;
}
