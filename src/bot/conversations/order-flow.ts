import type { Api } from 'grammy';
import { assertNever } from '../../domain/assert-never.ts';
import { isActive, isOpen } from '../../domain/order-state.ts';
import type { PhotoWarning } from '../../domain/photo-look.ts';
import type {
  ChooseOutcome,
  NextOutcome,
  Orders,
  OrderView,
  QuoteOutcome,
} from '../../orders/orders.ts';
import type { People } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import { encodeOrderPress, type OrderPress } from '../callback-data.ts';
import type { Collector } from '../collector.ts';
import type { PressedButton, Talk } from '../context.ts';
import type { TextKey, Translate } from '../i18n.ts';
import type { Messenger, Screen } from '../messenger.ts';
import type { Checkout } from '../payments/checkout.ts';
import type { OrderPurchase } from '../payments/purchase.ts';
import type { ProgressDisplay } from '../progress-display.ts';
import type { Questions } from '../questions.ts';
import { createRecent } from '../recent.ts';
import { sendPictures } from '../send-pictures.ts';
import { noAvatarsScreen } from '../views/avatars.ts';
import { genderSavedScreen, genderScreen } from '../views/menu.ts';
import { orderTopUpScreen } from '../views/payments.ts';
import { askPhotosScreen, type PhotoTerms, receivedText } from '../views/photos.ts';
import {
  confirmScreen,
  freePreviewCaption,
  freePreviewKeyboard,
  noQuoteText,
  previewText,
  quoteScreen,
  shortScreen,
} from '../views/quote.ts';
import {
  aboutText,
  notOfferedScreen,
  offerScreen,
  orderLine,
  questionScreen,
} from '../views/service.ts';

/** Whether the dialogue about an order goes on: there is a button to press or a photo to send. */
export type Stage = 'asking' | 'over';

export interface OrderFlowDeps {
  readonly api: Pick<Api, 'sendPhoto' | 'sendMediaGroup' | 'sendVideo'>;
  readonly orders: () => Orders;
  readonly people: Pick<People, 'setGender'>;
  readonly messenger: Messenger;
  readonly collector: Collector;
  readonly progress: ProgressDisplay;
  readonly questions: Questions;
  readonly checkout: Pick<Checkout, 'refusal' | 'begin' | 'withdraw'>;
  readonly catalogue: Catalogue;
  readonly terms: PhotoTerms;
  /** The packs of a top-up, in XTR. */
  readonly packs: readonly number[];
}

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

/** Where a new order stands; no id where none was begun. */
export interface Begun {
  readonly orderId: string;
  readonly stage: Stage;
}

const NOT_BEGUN: Begun = { orderId: '', stage: 'over' };

export function createOrderFlow(deps: OrderFlowDeps): OrderFlow {
  const { api, messenger, collector, progress, questions, checkout, terms, catalogue } = deps;
  /** The contact sheets last shown for an order whose photos have no order of their own. */
  const seenSheets = createRecent<string, string>();

  async function begin(talk: Talk, serviceType: string): Promise<Begun> {
    const { person, t } = talk;
    const service = await findOffered(talk, serviceType);
    if (!service) return NOT_BEGUN;
    const order = await deps.orders().open(person.id, serviceType);
    const isNew = order.state === 'draft' && Object.keys(order.answers).length === 0;
    // A morph's first question tells all of it.
    const intro = isNew && service.finish !== 'stitched_video' ? aboutText(t, serviceType) : '';
    return { orderId: order.id, stage: await resume(talk, order, intro) };
  }

  /** The service, if this person can order it now; else they are told why not. */
  async function findOffered({ person, t }: Talk, serviceType: string) {
    const offer = catalogue.offers().find(({ service }) => service.id === serviceType);
    if (!offer) {
      await messenger.send(person.id, notOfferedScreen(t));
      return undefined;
    }
    const needsAvatar = offer.service.questions.some(({ kind }) => kind === 'avatar');
    if (needsAvatar && (await deps.orders().avatars(person.id)).length === 0) {
      await messenger.send(person.id, noAvatarsScreen(t, catalogue));
      return undefined;
    }
    return offer.service;
  }

  async function repeat(
    talk: Talk & PressedButton,
    orderId: string,
    field: string | null,
  ): Promise<Begun> {
    const { person, t } = talk;
    const old = await deps.orders().find(orderId, person.id);
    if (old && !(await findOffered(talk, old.serviceType))) return NOT_BEGUN;
    // The draft that the new one takes the place of.
    const open = await deps.orders().findOpen(person.id);
    if (open && open.serviceType === old?.serviceType) await checkout.withdraw(open.id);
    const order = await deps.orders().again(orderId, person.id, field ?? undefined);
    await talk.answer(order ? undefined : t('account.cannotRepeat'), { alert: !order });
    if (!order) return NOT_BEGUN;
    return { orderId: order.id, stage: await received(talk, order.id) };
  }

  async function use(
    talk: Talk & PressedButton,
    orderId: string,
    serviceType: string,
  ): Promise<Begun> {
    const { person, t } = talk;
    const words = await deps.orders().resultText(orderId, person.id);
    if (words === undefined) {
      await talk.answer(t('account.cannotRepeat'), { alert: true });
      return NOT_BEGUN;
    }
    await talk.answer();
    const service = await findOffered(talk, serviceType);
    const question = service?.questions.find(({ kind }) => kind === 'text');
    if (question?.kind !== 'text') return NOT_BEGUN;
    const order = await deps.orders().open(person.id, serviceType);
    // A character that is cut in half is left out.
    const text = words.slice(0, question.maxLength).replace(/\p{Surrogate}$/u, '');
    await deps.orders().answer(order.id, person.id, question.field, text, talk.requestId);
    return { orderId: order.id, stage: await advance(talk, order.id) };
  }

  async function received(talk: Talk, orderId: string): Promise<Stage> {
    const { person, t } = talk;
    const outcome = await messenger.during(person.id, 'typing', () =>
      deps.orders().received(orderId, person.id),
    );
    switch (outcome.kind) {
      case 'ready':
        return advance(talk, orderId);
      case 'closed':
        return 'over';
      default:
        await messenger.send(person.id, { text: receivedText(t, outcome) });
        return 'asking';
    }
  }

  async function say(
    talk: Talk & Pick<PressedButton, 'requestId'>,
    orderId: string,
    text: string,
  ): Promise<Stage | 'ignored'> {
    const { person, t } = talk;
    const order = await deps.orders().find(orderId, person.id);
    if (!order || !isOpen(order.state)) return 'ignored';
    const field = await textField(order);
    if (field === undefined) return 'ignored';
    const { requestId } = talk;
    const outcome = await deps.orders().answer(orderId, person.id, field, text, requestId);
    switch (outcome.kind) {
      case 'kept':
        await checkout.withdraw(orderId);
        return advance(talk, orderId);
      case 'too_short':
        await messenger.send(person.id, { text: t('common.tooShort', { min: outcome.min }) });
        return 'asking';
      case 'too_long': {
        const { max, length } = outcome;
        await messenger.send(person.id, { text: t('common.tooLong', { max, length }) });
        return 'asking';
      }
      case 'not_offered':
      case 'closed':
        return 'ignored';
      default:
        return assertNever(outcome);
    }
  }

  /** The field that a text answers now: what is asked, or the long text that was asked for right before. */
  async function textField({ id, personId, serviceType }: OrderView) {
    const next = await deps.orders().next(id, personId);
    if (next.kind !== 'ask') return undefined;
    if (next.question.kind === 'text') return next.question.field;
    const { questions: all } = catalogue.require(serviceType);
    const before = all[all.findIndex(({ field }) => field === next.question.field) - 1];
    return before?.kind === 'text' && before.long ? before.field : undefined;
  }

  /** Asks what is not known yet, in a new message or the given one; then quotes. */
  async function advance(
    talk: Talk,
    orderId: string,
    how: { readonly inMessage?: number | undefined; readonly intro?: string } = {},
  ): Promise<Stage> {
    const { inMessage } = how;
    const { person, t } = talk;
    const next = await deps.orders().next(orderId, person.id);
    switch (next.kind) {
      case 'closed':
        return 'over';
      case 'complete':
        return quote(talk, orderId, { inMessage });
      case 'no_avatars':
        await messenger.send(person.id, noAvatarsScreen(t, catalogue));
        return 'over';
      case 'ask':
        return ask(talk, orderId, next, how);
      default:
        return assertNever(next);
    }
  }

  async function ask(
    talk: Talk,
    orderId: string,
    next: Extract<NextOutcome, { kind: 'ask' }>,
    { inMessage, intro = '' }: { readonly inMessage?: number | undefined; readonly intro?: string },
  ): Promise<Stage> {
    const { person, t } = talk;
    const { question } = next;
    if (question.kind === 'gender') return askGender(talk, orderId, 'gender', intro);
    const order = await deps.orders().find(orderId, person.id);
    if (!order) return 'over';
    if (question.kind === 'photos' && question.max !== 1) {
      if ((await collector.renew(order)) === 'empty') {
        const screen = askPhotosScreen(t, order, question, terms);
        await questions.ask(person.id, { orderId, question: 'photos' }, screen);
      }
      return 'asking';
    }
    const { text, keyboard } = questionScreen(t, order, next);
    const screen = { text: withIntro(intro, text), keyboard };
    await questions.ask(person.id, { orderId, question: 'answer' }, screen, inMessage);
    return 'asking';
  }

  /** Asks what is to be asked where the order is now, in a new message. */
  async function resume(talk: Talk, order: OrderView, intro = ''): Promise<Stage> {
    const { person } = talk;
    if (isActive(order.state)) {
      await progress.renew(order.id);
      return 'over';
    }
    if (!isOpen(order.state)) return 'over';
    if (order.state === 'quoted') {
      if (order.mode === null) return quote(talk, order.id);
      const { mode } = order;
      const chosen = await deps.orders().choose(order.id, person.id, { mode });
      if (chosen.kind !== 'closed') return offerChosen(talk, order.id, chosen);
    }
    return advance(talk, order.id, { intro });
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
      case 'repeat':
        return (await repeat(talk, orderId, pressed.field)).stage;
      case 'use':
        return (await use(talk, orderId, pressed.serviceType)).stage;
      default:
    }
    if (!isOpen(order.state)) {
      return closed(talk, isActive(order.state) ? 'morph.closed.active' : overKey(order));
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
        return rethink(talk, orderId, messageId);
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
        const { gender } = pressed;
        const isOwn = await isOfTheOrder(order);
        if (isOwn) await deps.orders().answer(orderId, person.id, 'gender', gender, talk.requestId);
        else await deps.people.setGender(person.id, gender);
        await talk.answer();
        await messenger.put(person.id, messageId, genderSavedScreen(t, gender, { isOwn }));
        await questions.settle(person.id, { orderId, question: 'gender' }, messageId);
        const known = { ...talk, person: isOwn ? person : { ...person, gender } };
        return pressed.action === 'gender' ? resume(known, order) : quote(known, orderId);
      }
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
        if (!catalogue.require(order.serviceType).modes) return rethink(talk, orderId, messageId);
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

  /** Asks for the last answer once more. */
  async function rethink(talk: Talk, orderId: string, inMessage?: number): Promise<Stage> {
    await checkout.withdraw(orderId);
    await deps.orders().back(orderId, talk.person.id);
    return advance(talk, orderId, { inMessage });
  }

  /** Whether somebody else than its owner is in the pictures of this order. */
  async function isOfTheOrder({ serviceType }: OrderView): Promise<boolean> {
    const asked = catalogue.require(serviceType).questions.find(({ kind }) => kind === 'gender');
    return asked?.kind === 'gender' && asked.always;
  }

  /** The photos are all there: what else is to be asked, or the quote. */
  async function done(talk: Talk & PressedButton, order: OrderView): Promise<Stage> {
    const { person, t } = talk;
    const next = await deps.orders().next(order.id, person.id);
    if (next.kind === 'ask' && next.question.kind === 'gender') {
      await talk.answer(t('morph.questionFirst'));
      return askGender(talk, order.id, 'gender_done');
    }
    await talk.answer();
    const { questions: all } = catalogue.require(order.serviceType);
    // Where the photos are all there is to tell, counting them is quoting them.
    if (all.at(-1)?.kind === 'photos') return quote(talk, order.id);
    const counted = await messenger.during(person.id, 'typing', () =>
      deps.orders().done(order.id, person.id),
    );
    if (counted !== 'done') return notQuoted(talk, order.id, counted);
    await collector.rest({ id: order.id, personId: person.id });
    return advance(talk, order.id);
  }

  async function askGender(
    { person, t, allowDone }: Talk,
    orderId: string,
    action: 'gender' | 'gender_done',
    intro = '',
  ): Promise<Stage> {
    allowDone?.();
    const { text, keyboard } = genderScreen(t, (gender) =>
      encodeOrderPress({ action, orderId, gender }),
    );
    const screen = { text: withIntro(intro, text), keyboard };
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
      .during(person.id, 'typing', async () => {
        const made = await deps.orders().quote(orderId, person.id);
        if (made.kind !== 'quoted' || !sheets) return made;
        return { ...made, sheets: await showSheets(talk, orderId, made) };
      })
      .catch(async (error: unknown) => {
        // Whoever is told to try again needs the button for it.
        talk.allowDone?.();
        await collector.refresh({ id: orderId }).catch(() => undefined);
        throw error;
      });
    if (outcome.kind !== 'quoted') return notQuoted(talk, orderId, outcome);
    const [only, ...others] = outcome.options;
    if (only && others.length === 0) {
      const chosen = await deps.orders().choose(orderId, person.id, { mode: only.mode });
      if (chosen.kind === 'closed') return notQuoted(talk, orderId, chosen);
      const { warnings } = outcome;
      // Below the sheets that it tells of.
      const place = sheets && outcome.sheets.length > 0 ? undefined : inMessage;
      return offerChosen(talk, orderId, chosen, { inMessage: place, warnings });
    }
    const { skipped = [] } = (await deps.orders().intake(orderId)) ?? {};
    return offer(talk, orderId, quoteScreen(t, orderId, outcome, skipped), inMessage);
  }

  /**
   * Shows the photos with their numbers, and returns what was shown. Where their order is not to be looked at
   * anew, they are shown once: going back to another answer does not change them.
   */
  async function showSheets(
    { person, t }: Talk,
    orderId: string,
    { sheets, options }: Extract<QuoteOutcome, { kind: 'quoted' }>,
  ): Promise<readonly string[]> {
    const isOrdered = options.length > 1;
    const seen = sheets.join();
    if (!isOrdered && seenSheets.get(orderId) === seen) return [];
    await sendPictures(api, person.id, sheets, t(isOrdered ? 'morph.sheet' : 'order.any.sheet'));
    seenSheets.set(orderId, seen);
    return sheets;
  }

  /** Says why there is no offer, and what to do next. */
  async function notQuoted(
    talk: Talk,
    orderId: string,
    outcome: Exclude<QuoteOutcome, { kind: 'quoted' }>,
  ): Promise<Stage> {
    const { person, t } = talk;
    switch (outcome.kind) {
      case 'incomplete':
        return advance(talk, orderId);
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
      return offerChosen(talk, order.id, chosen, { inMessage: messageId });
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
    const { messageId } = talk;
    const chosen = order.mode === mode ? await chooseAgain(talk, order) : undefined;
    if (chosen?.option.price !== price) return outdated(talk, order);
    const reason = await checkout.refusal(talk.person);
    if (reason) return refused(talk, reason);
    await talk.answer();
    if (chosen.kind === 'chosen') {
      return offerChosen(talk, order.id, chosen, { inMessage: messageId });
    }
    await checkout.begin(talk, purchaseOf(order.id, chosen));
    return 'asking';
  }

  /** What the chosen mode costs and lacks now; undefined when none is chosen, or the order is closed. */
  async function chooseAgain({ person }: Talk, order: OrderView): Promise<Chosen | undefined> {
    if (order.mode === null) return undefined;
    const chosen = await deps.orders().choose(order.id, person.id, { mode: order.mode });
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

  /** The chosen way, to be confirmed; or what is missing for it. */
  async function offerChosen(
    talk: Talk,
    orderId: string,
    chosen: Chosen,
    about: {
      readonly inMessage?: number | undefined;
      readonly warnings?: readonly PhotoWarning[];
    } = {},
  ): Promise<Stage> {
    const { t, person } = talk;
    const order = await deps.orders().find(orderId, person.id);
    if (!order) return 'over';
    const screen = chosenScreen(deps.catalogue, t, order, chosen, about.warnings ?? []);
    return offer(talk, orderId, screen, about.inMessage);
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
    for (const question of ['photos', 'answer', 'offer'] as const) {
      await questions.settle(personId, { orderId, question }, exceptMessage);
    }
  }

  return { begin, say, received, repeat, use, press, started };
}

function withIntro(intro: string, text: string): string {
  return intro === '' ? text : `${intro}\n\n${text}`;
}

type Chosen = Exclude<ChooseOutcome, { kind: 'closed' }>;

function chosenScreen(
  catalogue: Catalogue,
  t: Translate,
  order: OrderView,
  chosen: Chosen,
  warnings: readonly PhotoWarning[],
): Screen {
  const { option, balance } = chosen;
  const { mode, price } = option;
  if (chosen.kind === 'short') {
    const { missing } = chosen;
    return shortScreen(t, order.id, { mode, price, balance, missing });
  }
  const service = catalogue.require(order.serviceType);
  if (service.modes) return confirmScreen(t, order.id, chosen);
  return offerScreen(t, order, orderLine(t, catalogue, service, order), chosen, warnings);
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
