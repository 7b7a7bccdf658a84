import type { MiddlewareFn } from 'grammy';
import type { Message } from 'grammy/types';
import type { IncomingFile, Orders, OrderView } from '../../orders/orders.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import type { Question } from '../../services/service.ts';
import { encodeOrderPress } from '../callback-data.ts';
import type { Collector } from '../collector.ts';
import type { BotContext } from '../context.ts';
import type { OrderFlow } from '../conversations/order-flow.ts';
import { closedKey } from '../conversations/stage.ts';
import { MAX_DOWNLOAD_BYTES } from '../download.ts';
import type { Messenger } from '../messenger.ts';
import type { Checkout } from '../payments/checkout.ts';
import type { Questions } from '../questions.ts';
import { createRecent } from '../recent.ts';
import { genderScreen } from '../views/menu.ts';
import type { Cancelling } from './cancel.ts';

export interface MediaCollectorDeps {
  readonly orders: () => Orders;
  readonly messenger: Messenger;
  readonly collector: Collector;
  readonly questions: Questions;
  readonly cancelling: Pick<Cancelling, 'cameAfter'>;
  readonly checkout: Pick<Checkout, 'withdraw'>;
  readonly flow: Pick<OrderFlow, 'begin' | 'received'>;
  readonly catalogue: Catalogue;
}

/** Writes every photo and file down as a row of the open order; without one, a photo opens it. */
export function createMediaCollector(deps: MediaCollectorDeps): MiddlewareFn<BotContext> {
  /** The last album of which a photo was taken, of each chat, and the message with that photo. */
  const albums = createRecent<number, { id: string; messageId: number; isTold: boolean }>();

  return async (ctx, next) => {
    const { message } = ctx;
    if (!message) return next();
    if (soundOf(message) && (await takeRecording(ctx, message))) return;
    const file = fileOf(message);
    if (!file) return next();
    const { person, t } = ctx;
    const wasCancelled = () => deps.cancelling.cameAfter(person.id, file.messageId);
    let order = await deps.orders().findOpen(person.id);
    // What it waits for instead is said by whoever answers stray messages.
    if (order && !asks(order, 'photos')) return next();
    if (order && asksForOne(order)) return takePhoto(ctx, order, file);
    if (!order) {
      if (await wasCancelled()) return;
      if (!mayBePictures(message)) return next();
      order = await openFor(ctx);
    }
    let outcome = await deps.orders().addFile(order.id, person.id, file);
    if (outcome === 'closed') {
      if (await wasCancelled()) return;
      // Confirmed on another device a moment ago: this photo begins the next order.
      order = await openFor(ctx);
      outcome = await deps.orders().addFile(order.id, person.id, file);
    }
    const isAwaited = deps.collector.awaits(order);
    deps.collector.arrived(order, file.messageId);
    if (outcome !== 'added') return;
    // Only the first of an album finds the order past its photos: adding led it back to them.
    if (order.state === 'quoted') {
      await deps.checkout.withdraw(order.id);
      if (!isAwaited) await deps.messenger.send(person.id, { text: t('morph.quoteAnew') });
    } else if (isCounted(order)) {
      await deps.messenger.send(person.id, { text: t('morph.oneMore') });
      await deps.collector.renew(order);
    }
  };

  /** Whether its person said that all photos are there, and was asked something else since. */
  function isCounted(order: OrderView): boolean {
    const field = asks(order, 'photos')?.field;
    return field !== undefined && order.answers[field] !== undefined;
  }

  /** The question of an order's service that takes what was sent. */
  function asks({ serviceType }: OrderView, kind: Question['kind']): Question | undefined {
    return deps.catalogue.find(serviceType)?.questions.find((question) => question.kind === kind);
  }

  function asksForOne(order: OrderView): boolean {
    const question = asks(order, 'photos');
    return question?.kind === 'photos' && question.max === 1;
  }

  /** Of a single photo there is nothing to count: it is looked at, and the dialogue goes on. */
  async function takePhoto(ctx: BotContext, order: OrderView, file: IncomingFile): Promise<void> {
    if (await isOfTakenAlbum(ctx)) return;
    const outcome = await deps.orders().addFile(order.id, ctx.person.id, file);
    if (outcome === 'closed') return tellClosed(ctx, order, file);
    if (outcome === 'full') {
      await deps.messenger.send(ctx.person.id, { text: ctx.t('morph.full') });
      return;
    }
    await deps.checkout.withdraw(order.id);
    await deps.flow.received(ctx, order.id);
  }

  /** Confirmed or dropped a moment ago, on another device or by itself; who cancelled it here was told. */
  async function tellClosed(
    { person, t }: BotContext,
    { id }: OrderView,
    { messageId }: IncomingFile,
  ): Promise<void> {
    if (await deps.cancelling.cameAfter(person.id, messageId)) return;
    const order = await deps.orders().find(id, person.id);
    await deps.messenger.send(person.id, { text: t(closedKey(order)) });
  }

  /**
   * The first photo of an album counts; that it does is said once. The message with it is no other when
   * it is handled again.
   */
  async function isOfTakenAlbum({ message, person, t }: BotContext): Promise<boolean> {
    if (message?.media_group_id === undefined) return false;
    const { media_group_id: id, message_id: messageId } = message;
    const known = albums.get(person.id);
    if (known?.id !== id) albums.set(person.id, { id, messageId, isTold: false });
    if (known?.id !== id || known.messageId === messageId) return false;
    if (!known.isTold) {
      albums.set(person.id, { ...known, isTold: true });
      await deps.messenger.send(person.id, { text: t('morph.oneOfAlbum') });
    }
    return true;
  }

  /** For the open order that waits for a recording; without any order, it begins one. False: nobody takes it. */
  async function takeRecording(ctx: BotContext, message: Message): Promise<boolean> {
    const { person } = ctx;
    const file = soundOf(message);
    const open = await deps.orders().findOpen(person.id);
    if (!file || (open && !asks(open, 'recording'))) return false;
    if (await deps.cancelling.cameAfter(person.id, file.messageId)) return !open;
    let order = open;
    if (!order) {
      const offers = deps.catalogue.offers().map(({ service }) => service);
      const taker = offers.find(({ questions }) =>
        questions.some(({ kind }) => kind === 'recording'),
      );
      if (!taker) return false;
      order = await deps.orders().open(person.id, taker.id);
    }
    const outcome = await deps.orders().addRecording(order.id, person.id, file);
    if (outcome === 'closed') {
      await tellClosed(ctx, order, file);
      return true;
    }
    await deps.checkout.withdraw(order.id);
    await deps.flow.received(ctx, order.id);
    return true;
  }

  /** The same as /morph, without the words that ask for photos. */
  async function openFor({ person, t }: BotContext): Promise<OrderView> {
    const morph = deps.catalogue.services.find(({ finish }) => finish === 'stitched_video');
    const order = await deps.orders().open(person.id, morph?.id ?? '');
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

/** A voice message, audio, video or video note, or a file that says it is one. */
function soundOf(message: Message): IncomingFile | undefined {
  const { message_id: messageId, voice, audio, video, video_note: note, document } = message;
  const isSound = /^(?:audio|video)\//.test(document?.mime_type ?? '');
  const found = voice ?? audio ?? video ?? note ?? (isSound ? document : undefined);
  if (!found) return undefined;
  const sizeBytes = found.file_size ?? null;
  return {
    messageId,
    fileId: found.file_id,
    fileUniqueId: found.file_unique_id,
    name: 'file_name' in found ? (found.file_name ?? null) : null,
    sizeBytes,
    tooBig: (sizeBytes ?? 0) > MAX_DOWNLOAD_BYTES,
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
