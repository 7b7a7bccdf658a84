import { assertNever } from '../../domain/assert-never.ts';
import { isActive, isOpen } from '../../domain/order-state.ts';
import type { OrderView } from '../../orders/orders.ts';
import type { OrderPress } from '../callback-data.ts';
import type { PressedButton, Talk } from '../context.ts';
import type { TextKey } from '../i18n.ts';
import {
  freePreviewCaption,
  freePreviewKeyboard,
  previewText,
  shortScreen,
} from '../views/quote.ts';
import { createAsking } from './asking.ts';
import { createOffering } from './offering.ts';
import { createSelling, refused } from './selling.ts';
import { type Begun, closedKey, type OrderFlowDeps, overKey, type Stage } from './stage.ts';

/**
 * The steps of an order in the chat, whatever is ordered. Where an order stands is in its row alone, so each step may
 * be taken twice, on an old message, or with no dialogue running.
 */
export interface OrderFlow {
  /** Opens an order of a service, or goes on with the open one. */
  begin(talk: Talk, serviceType: string): Promise<Begun>;
  /** Takes a text for an answer; `ignored` when none is asked for. */
  say(
    talk: Talk & Pick<PressedButton, 'requestId'>,
    orderId: string,
    text: string,
  ): Promise<Stage | 'ignored'>;
  /** A single photo or recording came for this order: goes on once it was looked at. */
  received(talk: Talk, orderId: string): Promise<Stage>;
  /** A new order with the answers of an old one, but for one of them. */
  repeat(talk: Talk & PressedButton, orderId: string, field: string | null): Promise<Begun>;
  /** A new order of a service, with the words of a result for its first text. */
  use(talk: Talk & PressedButton, orderId: string, serviceType: string): Promise<Begun>;
  /** Does what a button says and asks what comes next. */
  press(talk: Talk & PressedButton, press: OrderPress): Promise<Stage>;
  /** Shows an order that was confirmed by its payment, with nobody pressing a button. */
  started(personId: number, orderId: string): Promise<void>;
}

export function createOrderFlow(deps: OrderFlowDeps): OrderFlow {
  const { api, messenger, collector, progress, questions, checkout, catalogue } = deps;
  const offering = createOffering(deps);
  const asking = createAsking(deps, offering);
  const { begin, repeat, use, received, say } = asking;
  const { resume, advance, quote, rethink, done, takeGender } = asking;
  const { offer, offerChosen } = offering;
  const { topUp, pay } = createSelling({ ...deps, offering, outdated });

  async function press(talk: Talk & PressedButton, pressed: OrderPress): Promise<Stage> {
    const { person, t, messageId } = talk;
    const { orderId } = pressed;
    const order = await deps.orders().find(orderId, person.id);
    if (!order) return closed(talk, 'morph.closed.unknown');
    switch (pressed.action) {
      case 'confirm':
        return confirm(talk, order, pressed);
      case 'partial':
        return answerPartial(talk, order, pressed.accept);
      case 'status':
      case 'continue':
        if (!isOpen(order.state) && !isActive(order.state)) return closed(talk, overKey(order));
        await talk.answer();
        if (pressed.action === 'continue') {
          if (messageId) await messenger.strip(person.id, messageId);
          await settleAll(person.id, orderId, messageId);
        }
        return resume(talk, order);
      case 'cancel':
        // Cancelled before its turn came, see the cancel middleware.
        return 'over';
      case 'repeat':
        return (await repeat(talk, orderId, pressed.field)).stage;
      case 'use':
        return (await use(talk, orderId, pressed.serviceType)).stage;
      default:
    }
    if (!isOpen(order.state)) {
      return closed(talk, closedKey(order));
    }
    switch (pressed.action) {
      case 'done':
        return done(talk, order);
      case 'pick': {
        const { field, value } = pressed;
        const { requestId } = talk;
        const kept = await deps.orders().answer(orderId, person.id, field, value, requestId);
        if (kept.kind !== 'kept') return outdated(talk, order);
        await talk.answer();
        await checkout.withdraw(orderId);
        return advance(talk, orderId, { inMessage: messageId });
      }
      case 'rethink':
        await talk.answer();
        return rethink(talk, orderId);
      case 'undo':
      case 'clear': {
        const { requestId } = talk;
        const intake = await deps.orders()[pressed.action](orderId, person.id, requestId);
        await checkout.withdraw(orderId);
        await talk.answer(t(pressed.action === 'undo' ? 'morph.undone' : 'morph.cleared'));
        if (intake) await collector.refresh(order);
        return 'asking';
      }
      case 'gender':
      case 'gender_done':
        return takeGender(talk, order, pressed);
      case 'mode': {
        const chosen = await deps.orders().choose(orderId, person.id, { mode: pressed.mode });
        if (chosen.kind === 'closed') return outdated(talk, order);
        await talk.answer();
        // Even for the same mode: killed after another was chosen, its invoice would stay.
        await checkout.withdraw(orderId);
        return offerChosen(talk, orderId, chosen, { inMessage: messageId });
      }
      case 'back':
        await talk.answer();
        // Of one way there is nothing to choose from: the step before is the last answer.
        if (!catalogue.require(order.serviceType).modes) return rethink(talk, orderId);
        return quote(talk, orderId, { inMessage: messageId, sheets: false });
      case 'offer':
        await talk.answer();
        if (messageId) await messenger.strip(person.id, messageId);
        return quote(talk, orderId, { sheets: false });
      case 'preview':
        return preview(talk, order);
      case 'add':
        await talk.answer();
        if (messageId) await messenger.strip(person.id, messageId);
        await messenger.send(person.id, { text: t('morph.addMore') });
        await collector.renew(order);
        return 'asking';
      case 'topup':
        return topUp(talk, order);
      case 'pay':
        return pay(talk, order, pressed);
      default:
        return assertNever(pressed);
    }
  }

  /** The free preview comes by itself; one that was made before is sent again at once. */
  async function preview(talk: Talk & PressedButton, order: OrderView): Promise<Stage> {
    const { person, t } = talk;
    const outcome = await deps.orders().preview(order.id, person.id);
    switch (outcome.kind) {
      case 'closed':
        return outdated(talk, order);
      case 'made':
        await talk.answer();
        await api.sendVideo(person.id, outcome.fileId, {
          caption: freePreviewCaption(t, outcome.transitions),
          reply_markup: { inline_keyboard: freePreviewKeyboard(t, order.id) },
        });
        return 'asking';
      case 'started':
        await talk.answer();
        await messenger.send(person.id, { text: previewText(t, outcome) });
        return 'asking';
      default:
        await talk.answer(previewText(t, outcome), { alert: true });
        return 'asking';
    }
  }

  async function confirm(
    talk: Talk & PressedButton,
    order: OrderView,
    { mode, price, quote }: Extract<OrderPress, { action: 'confirm' }>,
  ): Promise<Stage> {
    const { person, t, messageId } = talk;
    const reason = isOpen(order.state) ? await checkout.refusal(person) : undefined;
    if (reason) return refused(talk, reason);
    // Known before the charge: whoever shows progress first goes on with the pressed message.
    if (messageId && isOpen(order.state)) {
      await deps.orders().setProgressMessage(order.id, { messageId, text: '' });
    }
    const outcome = await deps.orders().confirm(order.id, person.id, { mode, price, quote });
    switch (outcome.kind) {
      case 'queued':
        await talk.answer(t('morph.confirmed'));
        await checkout.withdraw(order.id);
        await progress.follow(order.id);
        await collector.refresh(order);
        await settleAll(person.id, order.id, messageId);
        return 'over';
      case 'already': {
        await talk.answer(t(`morph.alreadyConfirmed.${outcome.state}`), { alert: true });
        if (messageId && messageId !== order.progressMessageId) {
          await messenger.strip(person.id, messageId);
        }
        await progress.follow(order.id);
        return 'over';
      }
      case 'short':
        await talk.answer();
        return offer(talk, order.id, shortScreen(t, order.id, { ...outcome, mode }), messageId);
      case 'outdated':
        return outdated(talk, order);
      case 'closed':
        return isOpen(order.state) ? outdated(talk, order) : closed(talk, overKey(order));
      default:
        return assertNever(outcome);
    }
  }

  async function started(personId: number, orderId: string): Promise<void> {
    await settleAll(personId, orderId);
    await collector.refresh({ id: orderId });
    await progress.renew(orderId);
  }

  async function answerPartial(
    talk: Talk & PressedButton,
    order: OrderView,
    accept: boolean,
  ): Promise<Stage> {
    const { person, t, messageId } = talk;
    const answer = await deps.orders().answerPartial(order.id, person.id, accept);
    if (answer === 'closed') return closed(talk, overKey(order));
    const text = t(answer === 'accepted' ? 'order.partialAccepted' : 'order.partialDeclined');
    await talk.answer(text);
    if (messageId !== order.progressMessageId) {
      await messenger.put(person.id, messageId, { text });
    }
    await progress.refresh(order.id);
    return 'over';
  }

  /** The pressed message shows a quote that no longer holds; the order itself is still open. */
  async function outdated(talk: Talk & PressedButton, order: OrderView): Promise<Stage> {
    const { person, t, messageId } = talk;
    await talk.answer(t('morph.quoteOutdated'), { alert: true });
    if (messageId) await messenger.strip(person.id, messageId);
    const now = await deps.orders().find(order.id, person.id);
    return now && isOpen(now.state) ? resume(talk, now) : 'over';
  }

  async function closed(talk: Talk & PressedButton, key: TextKey): Promise<Stage> {
    await talk.answer(talk.t(key), { alert: true });
    return 'over';
  }

  /** Nothing that was asked before is to be answered any more, but for what the message itself says. */
  async function settleAll(personId: number, orderId: string, exceptMessage?: number) {
    for (const question of ['photos', 'answer', 'offer'] as const) {
      await questions.settle(personId, { orderId, question }, exceptMessage);
    }
  }

  return { begin, say, received, repeat, use, press, started };
}
