import type { Api } from 'grammy';
import { assertNever } from '../../domain/assert-never.ts';
import { isActive, isOpen } from '../../domain/order-state.ts';
import type { ChooseOutcome, Orders, OrderView } from '../../orders/orders.ts';
import type { People } from '../../people/people.ts';
import { encodeOrderPress, type OrderPress } from '../callback-data.ts';
import type { Collector } from '../collector.ts';
import type { PressedButton, Talk } from '../context.ts';
import type { TextKey, Translate } from '../i18n.ts';
import type { Messenger, Screen } from '../messenger.ts';
import type { Checkout } from '../payments/checkout.ts';
import type { OrderPurchase } from '../payments/purchase.ts';
import type { ProgressDisplay } from '../progress-display.ts';
import type { Questions } from '../questions.ts';
import { sendPictures } from '../send-pictures.ts';
import { genderSavedScreen, genderScreen } from '../views/menu.ts';
import { orderTopUpScreen } from '../views/payments.ts';
import { askPhotosScreen, type PhotoTerms } from '../views/photos.ts';
import {
  confirmScreen,
  freePreviewCaption,
  freePreviewKeyboard,
  noQuoteText,
  previewText,
  quoteScreen,
  shortScreen,
} from '../views/quote.ts';

/** Whether the dialogue about an order goes on: there is a button to press or a photo to send. */
export type Stage = 'asking' | 'over';

export interface MorphFlowDeps {
  readonly api: Pick<Api, 'sendPhoto' | 'sendMediaGroup' | 'sendVideo'>;
  readonly orders: () => Orders;
  readonly people: Pick<People, 'setGender'>;
  readonly messenger: Messenger;
  readonly collector: Collector;
  readonly progress: ProgressDisplay;
  readonly questions: Questions;
  readonly checkout: Pick<Checkout, 'refusal' | 'begin' | 'withdraw'>;
  readonly terms: PhotoTerms;
  /** The packs of a top-up, in XTR. */
  readonly packs: readonly number[];
}

/**
 * The steps of a morph order in the chat. Where an order stands is in its row alone, so each step may
 * be taken twice, on an old message, or with no dialogue running.
 */
export interface MorphFlow {
  /** Opens an order, or goes on with the open one. */
  begin(talk: Talk): Promise<{ readonly orderId: string; readonly stage: Stage }>;
  /** Does what a button says and asks what comes next. */
  press(talk: Talk & PressedButton, press: OrderPress): Promise<Stage>;
  /** Shows an order that was confirmed by its payment, with nobody pressing a button. */
  started(personId: number, orderId: string): Promise<void>;
}

export function createMorphFlow(deps: MorphFlowDeps): MorphFlow {
  const { api, messenger, collector, progress, questions, checkout, terms } = deps;

  async function begin(talk: Talk) {
    const order = await deps.orders().open(talk.person.id);
    return { orderId: order.id, stage: await resume(talk, order) };
  }

  /** Asks what is to be asked where the order is now, in a new message. */
  async function resume(talk: Talk, order: OrderView): Promise<Stage> {
    const { person, t } = talk;
    if (isActive(order.state)) {
      await progress.renew(order.id);
      return 'over';
    }
    if (!isOpen(order.state)) return 'over';
    if (person.gender === null) return askGender(talk, order.id, 'gender');
    if (order.state === 'quoted') {
      if (order.mode === null) return quote(talk, order.id);
      const { mode } = order;
      const choice = { mode, gender: person.gender };
      const chosen = await deps.orders().choose(order.id, person.id, choice);
      if (chosen.kind !== 'closed') return offer(talk, order.id, chosenScreen(t, order.id, chosen));
    }
    if ((await collector.renew(order)) === 'empty') {
      const about = { orderId: order.id, question: 'photos' } as const;
      await questions.ask(person.id, about, askPhotosScreen(t, order.id, terms));
    }
    return 'asking';
  }

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
      default:
    }
    if (!isOpen(order.state)) {
      return closed(talk, isActive(order.state) ? 'morph.closed.active' : overKey(order));
    }
    switch (pressed.action) {
      case 'done':
        if (person.gender === null) {
          await talk.answer(t('morph.questionFirst'));
          return askGender(talk, orderId, 'gender_done');
        }
        await talk.answer();
        return quote(talk, orderId);
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
      case 'gender_done': {
        await deps.people.setGender(person.id, pressed.gender);
        await talk.answer();
        await messenger.put(person.id, messageId, genderSavedScreen(t, pressed.gender));
        await questions.settle(person.id, { orderId, question: 'gender' }, messageId);
        const known = { ...talk, person: { ...person, gender: pressed.gender } };
        return pressed.action === 'gender' ? resume(known, order) : quote(known, orderId);
      }
      case 'mode': {
        const choice = { mode: pressed.mode, gender: person.gender ?? 'unset' };
        const chosen = await deps.orders().choose(orderId, person.id, choice);
        if (chosen.kind === 'closed') return outdated(talk, order);
        await talk.answer();
        // Even for the same mode: killed after another was chosen, its invoice would stay.
        await checkout.withdraw(orderId);
        return offer(talk, orderId, chosenScreen(t, orderId, chosen), messageId);
      }
      case 'back':
        await talk.answer();
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

  async function askGender(
    { person, t, allowDone }: Talk,
    orderId: string,
    action: 'gender' | 'gender_done',
  ): Promise<Stage> {
    allowDone?.();
    const screen = genderScreen(t, (gender) => encodeOrderPress({ action, orderId, gender }));
    await questions.ask(person.id, { orderId, question: 'gender' }, screen);
    return 'asking';
  }

  /** Makes the quote and shows it under its contact sheets, or without them where they have been seen. */
  async function quote(
    talk: Talk,
    orderId: string,
    { inMessage, sheets = true }: { inMessage?: number | undefined; sheets?: boolean } = {},
  ): Promise<Stage> {
    const { person, t } = talk;
    if (sheets) await collector.rest({ id: orderId, personId: person.id });
    await checkout.withdraw(orderId);
    const outcome = await messenger
      .during(person.id, 'upload_photo', async () => {
        const made = await deps.orders().quote(orderId, person.id);
        if (made.kind === 'quoted' && sheets) {
          await sendPictures(api, person.id, made.sheets, t('morph.sheet'));
        }
        return made;
      })
      .catch(async (error: unknown) => {
        // Whoever is told to try again needs the button for it.
        talk.allowDone?.();
        await collector.refresh({ id: orderId }).catch(() => undefined);
        throw error;
      });
    switch (outcome.kind) {
      case 'quoted': {
        const { skipped = [] } = (await deps.orders().intake(orderId)) ?? {};
        return offer(talk, orderId, quoteScreen(t, orderId, outcome, skipped), inMessage);
      }
      case 'closed': {
        const order = await deps.orders().find(orderId, person.id);
        // Somebody who cancelled meanwhile has been told.
        if (order?.state === 'cancelled') return 'over';
        const text = t(order ? overKey(order) : 'morph.closed.unknown');
        await messenger.send(person.id, { text });
        return 'over';
      }
      default:
        talk.allowDone?.();
        await messenger.send(person.id, { text: noQuoteText(t, outcome) });
        await collector.renew({ id: orderId });
        return 'asking';
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
    { mode, price }: Extract<OrderPress, { action: 'confirm' }>,
  ): Promise<Stage> {
    const { person, t, messageId } = talk;
    const reason = isOpen(order.state) ? await checkout.refusal(person) : undefined;
    if (reason) return refused(talk, reason);
    // Known before the charge: whoever shows progress first goes on with the pressed message.
    if (messageId && isOpen(order.state)) {
      await deps.orders().setProgressMessage(order.id, { messageId, text: '' });
    }
    const outcome = await deps.orders().confirm(order.id, person.id, { mode, price });
    switch (outcome.kind) {
      case 'queued':
        await talk.answer(t('morph.confirmed'));
        await checkout.withdraw(order.id);
        await progress.refresh(order.id);
        await collector.refresh(order);
        await settleAll(person.id, order.id, messageId);
        return 'over';
      case 'already': {
        await talk.answer(t(`morph.alreadyConfirmed.${outcome.state}`), { alert: true });
        if (messageId && messageId !== order.progressMessageId) {
          await messenger.strip(person.id, messageId);
        }
        await progress.refresh(order.id);
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

  /** Where more stars come from; with a chosen mode, also exactly those that it lacks. */
  async function topUp(talk: Talk & PressedButton, order: OrderView): Promise<Stage> {
    const { person, t, messageId } = talk;
    const reason = await checkout.refusal(person);
    if (reason) return refused(talk, reason);
    const chosen = await chooseAgain(talk, order);
    await talk.answer();
    if (chosen?.kind === 'chosen') {
      return offer(talk, order.id, chosenScreen(t, order.id, chosen), messageId);
    }
    const purchase = chosen && purchaseOf(order.id, chosen);
    const screen = orderTopUpScreen(t, order.id, { purchase, packs: deps.packs });
    return offer(talk, order.id, screen, messageId);
  }

  /** Asks for what is missing, if the order still is what the button said. */
  async function pay(
    talk: Talk & PressedButton,
    order: OrderView,
    { mode, price }: Extract<OrderPress, { action: 'pay' }>,
  ): Promise<Stage> {
    const { t, messageId } = talk;
    const chosen = order.mode === mode ? await chooseAgain(talk, order) : undefined;
    if (chosen?.option.price !== price) return outdated(talk, order);
    const reason = await checkout.refusal(talk.person);
    if (reason) return refused(talk, reason);
    await talk.answer();
    if (chosen.kind === 'chosen') {
      return offer(talk, order.id, chosenScreen(t, order.id, chosen), messageId);
    }
    await checkout.begin(talk, purchaseOf(order.id, chosen));
    return 'asking';
  }

  /** What the chosen mode costs and lacks now; undefined when none is chosen, or the order is closed. */
  async function chooseAgain({ person }: Talk, order: OrderView): Promise<Chosen | undefined> {
    if (order.mode === null) return undefined;
    const choice = { mode: order.mode, gender: person.gender ?? 'unset' };
    const chosen = await deps.orders().choose(order.id, person.id, choice);
    return chosen.kind === 'closed' ? undefined : chosen;
  }

  async function refused(talk: Talk & PressedButton, reason: TextKey): Promise<Stage> {
    await talk.answer(talk.t(reason), { alert: true });
    return 'asking';
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

  async function offer(
    { person }: Talk,
    orderId: string,
    screen: Screen,
    messageId?: number,
  ): Promise<Stage> {
    await questions.ask(person.id, { orderId, question: 'offer' }, screen, messageId);
    return 'asking';
  }

  /** Nothing that was asked before is to be answered any more, but for what the message itself says. */
  async function settleAll(personId: number, orderId: string, exceptMessage?: number) {
    for (const question of ['photos', 'offer'] as const) {
      await questions.settle(personId, { orderId, question }, exceptMessage);
    }
  }

  return { begin, press, started };
}

type Chosen = Exclude<ChooseOutcome, { kind: 'closed' }>;

function chosenScreen(t: Translate, orderId: string, chosen: Chosen): Screen {
  if (chosen.kind === 'chosen') return confirmScreen(t, orderId, chosen);
  const { option, balance, missing } = chosen;
  const { mode, price } = option;
  return shortScreen(t, orderId, { mode, price, balance, missing });
}

function purchaseOf(
  orderId: string,
  { option, missing }: Extract<Chosen, { kind: 'short' }>,
): OrderPurchase {
  return { kind: 'order', orderId, mode: option.mode, price: option.price, missing };
}

/** How an order ended, for a button that came too late. */
function overKey({ state }: OrderView): TextKey {
  switch (state) {
    case 'delivered':
      return 'morph.closed.delivered';
    case 'cancelled':
      return 'morph.closed.cancelled';
    case 'failed':
      return 'morph.closed.failed';
    default:
      return 'morph.closed.unknown';
  }
}
