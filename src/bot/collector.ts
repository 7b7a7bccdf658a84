import { isOpen } from '../domain/order-state.ts';
import { createTurns } from '../domain/turns.ts';
import type { Intake, Orders, OrderView } from '../orders/orders.ts';
import type { People } from '../people/people.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { Translator } from './i18n.ts';
import { describeError, type Log } from './log.ts';
import type { Messenger, Screen } from './messenger.ts';
import { createRecent } from './recent.ts';
import { closedCollectorScreen, collectorScreen, type PhotoTerms } from './views/photos.ts';

/** The counter is moved below the newest photos once this many messages came after it. */
const SCROLLED_AWAY_MESSAGES = 15;

export interface CollectorTimings {
  /** The counter of one order is not edited more often than this. */
  readonly editEveryMs: number;
  /** The first count waits this long, so that the photos of an album stand above it. */
  readonly firstMs: number;
}

export interface CollectorDeps {
  readonly orders: () => Orders;
  readonly people: Pick<People, 'find'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly catalogue: Pick<Catalogue, 'find'>;
  readonly terms: PhotoTerms;
  readonly timings: CollectorTimings;
  readonly log: Log;
}

type OrderId = Pick<OrderView, 'id'>;

/** The one message per order that counts its photos. */
export interface Collector {
  /** A file of this order came with this message. */
  arrived(order: OrderId, messageId: number): void;
  /** Whether its counter was shown for more files to come; false also where this process does not know. */
  awaits(order: OrderId): boolean;
  /** The count may have changed: the message follows soon. */
  changed(orderId: string): void;
  /** Sends the counter anew, at the bottom of the chat. Does nothing while there is nothing to count. */
  renew(order: OrderId): Promise<'shown' | 'empty'>;
  /** Brings the message up to date at once: after a button on it was pressed. */
  refresh(order: OrderId): Promise<void>;
  /** Takes its buttons off until files come or it is shown again: a quote is being made. */
  rest(order: Pick<OrderView, 'id' | 'personId'>): Promise<void>;
  /** As `refresh`; the counter of a draft that was dropped goes, since another message tells of it. */
  close(order: OrderId): Promise<void>;
  stop(): Promise<void>;
}

interface Counter {
  newestMessageId: number;
  shownText?: string;
  shownAt: number;
  /** Whether it has buttons; unknown before this process had to do with them. */
  buttons?: boolean;
}

/** `when due`: not before its pause is over; the others are what somebody asked for right now. */
type Showing = 'when due' | 'edit' | 'anew' | 'close';

export function createCollector(deps: CollectorDeps): Collector {
  const { messenger, timings, log } = deps;
  /** What was forgotten is found out as after a restart. */
  const counters = createRecent<string, Counter>();
  const timers = new Map<string, NodeJS.Timeout>();
  const inTurn = createTurns<string>();
  const running = new Set<Promise<unknown>>();
  let stopped = false;

  const counterOf = (orderId: string): Counter => {
    const counter = counters.get(orderId) ?? { newestMessageId: 0, shownAt: 0 };
    counters.set(orderId, counter);
    return counter;
  };

  function changed(orderId: string): void {
    showLater(orderId, Math.max(heldBackMs(orderId), timings.firstMs));
  }

  function showLater(orderId: string, waitMs: number): void {
    if (timers.has(orderId) || stopped) return;
    const timer = setTimeout(() => {
      timers.delete(orderId);
      const work = show(orderId, 'when due')
        .catch((error) => log.warn(describeError(error), 'Counting photos in the chat failed'))
        .finally(() => running.delete(work));
      running.add(work);
    }, waitMs);
    timers.set(orderId, timer);
  }

  function heldBackMs(orderId: string): number {
    return counterOf(orderId).shownAt + timings.editEveryMs - Date.now();
  }

  function show(orderId: string, how: Showing): Promise<'shown' | 'empty'> {
    return inTurn(orderId, async () => {
      const counter = counterOf(orderId);
      // Asked for while it was being shown, on its way to a slow Telegram.
      const tooEarlyMs = heldBackMs(orderId);
      if (how === 'when due' && tooEarlyMs > 0) {
        showLater(orderId, tooEarlyMs);
        return 'shown';
      }
      const intake = await deps.orders().intake(orderId);
      if (!intake) return 'empty';
      const { personId } = intake;
      const order = await deps.orders().find(orderId, personId);
      const person = await deps.people.find(personId);
      if (!order || !person || person.blockedAt) return 'empty';
      if (!isCounted(deps.catalogue, order)) return 'empty';
      const t = deps.translator(person.language);
      const messageId = order.collectorMessageId;
      if (!isOpen(intake.state)) {
        const screen = closedCollectorScreen(t, intake, { paid: order.price !== null });
        const dropped = how === 'close' && intake.state === 'cancelled' && order.price === null;
        const gone = messageId && dropped && (await messenger.remove(personId, messageId));
        if (messageId && !gone) await messenger.edit(personId, messageId, screen);
        return 'empty';
      }
      if (messageId === null && isEmpty(intake)) return 'empty';
      if (how === 'anew') counter.buttons = true;
      const { text, keyboard } = collectorScreen(t, intake, deps.terms);
      // The buttons of a quoted order are under its quote.
      const buttons = counter.buttons ?? order.state !== 'quoted';
      await place(counter, personId, order, buttons ? { text, keyboard } : { text }, how);
      return 'shown';
    });
  }

  async function place(
    counter: Counter,
    personId: number,
    order: OrderView,
    screen: Screen,
    how: Showing,
  ): Promise<void> {
    const old = order.collectorMessageId;
    const scrolledAway = old !== null && counter.newestMessageId - old > SCROLLED_AWAY_MESSAGES;
    if (how !== 'anew' && old !== null && !scrolledAway) {
      if (counter.shownText === screen.text) return;
      const outcome = await paced(counter, () => messenger.edit(personId, old, screen));
      if (outcome !== 'gone') {
        counter.shownText = screen.text;
        return;
      }
    }
    const sent = await paced(counter, () => messenger.send(personId, screen));
    counter.shownText = screen.text;
    if (sent === undefined) return;
    await deps.orders().setCollectorMessage(order.id, sent);
    counter.newestMessageId = Math.max(counter.newestMessageId, sent);
    if (old !== null) await messenger.remove(personId, old);
  }

  /** A call may take seconds: the pause counts from its answer, and until then from its beginning. */
  async function paced<T>(counter: Counter, call: () => Promise<T>): Promise<T> {
    counter.shownAt = Date.now();
    try {
      return await call();
    } finally {
      counter.shownAt = Date.now();
    }
  }

  return {
    arrived(order, messageId) {
      const counter = counterOf(order.id);
      counter.newestMessageId = Math.max(counter.newestMessageId, messageId);
      counter.buttons = true;
      changed(order.id);
    },
    awaits: ({ id }) => counterOf(id).buttons === true,
    changed,
    renew: (order) => show(order.id, 'anew'),
    async refresh(order) {
      const counter = counterOf(order.id);
      // The same count is to be shown again, now with buttons.
      if (counter.buttons === false) delete counter.shownText;
      counter.buttons = true;
      await show(order.id, 'edit');
    },
    rest({ id, personId }) {
      counterOf(id).buttons = false;
      return inTurn(id, async () => {
        const counter = counterOf(id);
        delete counter.shownText;
        const order = await deps.orders().find(id, personId);
        if (order?.collectorMessageId) await messenger.strip(personId, order.collectorMessageId);
      });
    },
    async close(order) {
      await show(order.id, 'close');
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running);
    },
  };
}

/** A single photo is looked at as it comes: there is nothing to count. */
function isCounted(catalogue: CollectorDeps['catalogue'], { serviceType }: OrderView): boolean {
  const questions = catalogue.find(serviceType)?.questions ?? [];
  return questions.some((question) => question.kind === 'photos' && question.max !== 1);
}

/** Whether nothing was sent for an order yet. */
export function isEmpty(intake: Intake): boolean {
  return intake.photos + intake.pending + intake.skipped.length === 0;
}
