import { assertNever } from '../../domain/assert-never.ts';
import { isActive, isOpen } from '../../domain/order-state.ts';
import type { NextOutcome, OrderView } from '../../orders/orders.ts';
import { encodeOrderPress, type OrderPress } from '../callback-data.ts';
import type { PressedButton, Talk } from '../context.ts';
import { noAvatarsScreen } from '../views/avatars.ts';
import { genderSavedScreen, genderScreen } from '../views/menu.ts';
import { askPhotosScreen, receivedText } from '../views/photos.ts';
import { aboutText, notOfferedScreen, questionScreen } from '../views/service.ts';
import type { Offering, OfferPlace } from './offering.ts';
import type { Begun, OrderFlowDeps, Stage } from './stage.ts';

/** The questions of an order, and their answers. */
export interface Asking {
  begin(talk: Talk, serviceType: string): Promise<Begun>;
  repeat(talk: Talk & PressedButton, orderId: string, field: string | null): Promise<Begun>;
  use(talk: Talk & PressedButton, orderId: string, serviceType: string): Promise<Begun>;
  received(talk: Talk, orderId: string): Promise<Stage>;
  say(
    talk: Talk & Pick<PressedButton, 'requestId'>,
    orderId: string,
    text: string,
  ): Promise<Stage | 'ignored'>;
  /** Asks what is to be asked where the order is now, in a new message. */
  resume(talk: Talk, order: OrderView): Promise<Stage>;
  /** Asks what is not known yet, in a new message or the given one; then quotes. */
  advance(talk: Talk, orderId: string, how?: AskPlace): Promise<Stage>;
  /** Makes the quote, once everything is known. */
  quote(talk: Talk, orderId: string, place?: OfferPlace): Promise<Stage>;
  /** Asks for the last answer once more. */
  rethink(talk: Talk & PressedButton, orderId: string): Promise<Stage>;
  /** The photos are all there: what else is to be asked, or the quote. */
  done(talk: Talk & PressedButton, order: OrderView): Promise<Stage>;
  /** Takes the answer to who is in the pictures. */
  takeGender(
    talk: Talk & PressedButton,
    order: OrderView,
    press: Extract<OrderPress, { action: 'gender' | 'gender_done' }>,
  ): Promise<Stage>;
}

/** How a question is asked: in which message, and below which words. */
interface AskPlace {
  readonly inMessage?: number | undefined;
  readonly intro?: string;
}

const NOT_BEGUN: Begun = { orderId: '', stage: 'over' };

export function createAsking(deps: OrderFlowDeps, offering: Offering): Asking {
  const { messenger, collector, progress, questions, checkout, terms, catalogue } = deps;
  const { offerChosen } = offering;

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
    const open = await deps.orders().findOpen(person.id);
    const order = await deps.orders().again(orderId, person.id, field ?? undefined, talk.requestId);
    await talk.answer(order ? undefined : t('account.cannotRepeat'), { alert: !order });
    if (!order) return NOT_BEGUN;
    // The new draft took the place of it; only now, since a draft that stays can still be paid.
    if (open && open.serviceType === order.serviceType) await checkout.withdraw(open.id);
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
  async function advance(talk: Talk, orderId: string, how: AskPlace = {}): Promise<Stage> {
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
    { inMessage, intro = '' }: AskPlace,
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

  async function quote(talk: Talk, orderId: string, place?: OfferPlace): Promise<Stage> {
    const stage = await offering.quote(talk, orderId, place);
    return stage === 'incomplete' ? advance(talk, orderId) : stage;
  }

  /** Asks for the last answer once more. */
  async function rethink(talk: Talk & PressedButton, orderId: string): Promise<Stage> {
    await checkout.withdraw(orderId);
    await deps.orders().back(orderId, talk.person.id, talk.requestId);
    return advance(talk, orderId, { inMessage: talk.messageId });
  }

  /** Whether somebody else than its owner is in the pictures of this order. */
  function isOfTheOrder({ serviceType }: OrderView): boolean {
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
    if (counted !== 'done') {
      const stage = await offering.notQuoted(talk, order.id, counted);
      return stage === 'incomplete' ? advance(talk, order.id) : stage;
    }
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

  async function takeGender(
    talk: Talk & PressedButton,
    order: OrderView,
    { action, gender }: Extract<OrderPress, { action: 'gender' | 'gender_done' }>,
  ): Promise<Stage> {
    const { person, t, messageId } = talk;
    const { id: orderId } = order;
    const isOwn = isOfTheOrder(order);
    if (isOwn) await deps.orders().answer(orderId, person.id, 'gender', gender, talk.requestId);
    else await deps.people.setGender(person.id, gender);
    await talk.answer();
    await messenger.put(person.id, messageId, genderSavedScreen(t, gender, { isOwn }));
    await questions.settle(person.id, { orderId, question: 'gender' }, messageId);
    const known = { ...talk, person: isOwn ? person : { ...person, gender } };
    return action === 'gender' ? resume(known, order) : quote(known, orderId);
  }

  return {
    ...{ begin, repeat, use, received, say },
    ...{ resume, advance, quote, rethink, done, takeGender },
  };
}

function withIntro(intro: string, text: string): string {
  return intro === '' ? text : `${intro}\n\n${text}`;
}
