import type { MiddlewareFn } from 'grammy';
import type { Message } from 'grammy/types';
import type { IncomingFile, Orders, OrderView } from '../../orders/orders.ts';
import { encodeOrderPress } from '../callback-data.ts';
import type { Collector } from '../collector.ts';
import type { BotContext } from '../context.ts';
import { MAX_DOWNLOAD_BYTES } from '../download.ts';
import type { Messenger } from '../messenger.ts';
import type { Checkout } from '../payments/checkout.ts';
import type { Questions } from '../questions.ts';
import { genderScreen } from '../views/menu.ts';
import type { Cancelling } from './cancel.ts';

export interface MediaCollectorDeps {
  readonly orders: () => Orders;
  readonly messenger: Messenger;
  readonly collector: Collector;
  readonly questions: Questions;
  readonly cancelling: Pick<Cancelling, 'cameAfter'>;
  readonly checkout: Pick<Checkout, 'withdraw'>;
}

/** Writes every photo and file down as a row of the open order; without one, a photo opens it. */
export function createMediaCollector(deps: MediaCollectorDeps): MiddlewareFn<BotContext> {
  return async (ctx, next) => {
    const file = ctx.message && fileOf(ctx.message);
    if (!ctx.message || !file) return next();
    const { person, t } = ctx;
    const wasCancelled = () => deps.cancelling.cameAfter(person.id, file.messageId);
    let order = await deps.orders().findOpen(person.id);
    if (!order) {
      if (await wasCancelled()) return;
      if (!mayBePictures(ctx.message)) return next();
      order = await openFor(ctx);
    }
    let outcome = await deps.orders().addFile(order.id, person.id, file);
    if (outcome === 'closed') {
      if (await wasCancelled()) return;
      // Confirmed on another device a moment ago: this photo begins the next order.
      order = await openFor(ctx);
      outcome = await deps.orders().addFile(order.id, person.id, file);
    }
    deps.collector.arrived(order, file.messageId);
    // Only the first of an album finds the order quoted: adding made it a draft again.
    if (outcome === 'added' && order.state === 'quoted') {
      await deps.checkout.withdraw(order.id);
      await deps.messenger.send(person.id, { text: t('morph.quoteAnew') });
    }
  };

  /** The same as /morph, without the words that ask for photos. */
  async function openFor({ person, t }: BotContext): Promise<OrderView> {
    const order = await deps.orders().open(person.id);
    if (person.gender === null) {
      const { id: orderId } = order;
      const screen = genderScreen(t, (gender) =>
        encodeOrderPress({ action: 'gender', orderId, gender }),
      );
      await deps.questions.ask(person.id, { orderId, question: 'gender' }, screen);
    }
    return order;
  }
}

function fileOf(message: Message): IncomingFile | undefined {
  const { message_id: messageId, photo, document } = message;
  if (photo && photo.length > 0) {
    const largest = photo.reduce((best, size) =>
      size.width * size.height > best.width * best.height ? size : best,
    );
    return {
      messageId,
      fileId: largest.file_id,
      fileUniqueId: largest.file_unique_id,
      name: null,
      sizeBytes: largest.file_size ?? null,
      tooBig: false,
    };
  }
  if (!document) return undefined;
  return {
    messageId,
    fileId: document.file_id,
    fileUniqueId: document.file_unique_id,
    name: document.file_name ?? null,
    sizeBytes: document.file_size ?? null,
    tooBig: (document.file_size ?? 0) > MAX_DOWNLOAD_BYTES,
  };
}

/** Whether a file may open an order by itself; what it really is, its bytes tell later. */
function mayBePictures({ photo, document }: Message): boolean {
  if (photo) return true;
  return (
    /\.(jpe?g|png|webp|heic|heif|zip)$/i.test(document?.file_name ?? '') ||
    /^image\/|zip/.test(document?.mime_type ?? '')
  );
}
