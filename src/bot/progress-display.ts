import { isActive } from '../domain/order-state.ts';
import { createTurns } from '../domain/turns.ts';
import type { OrderProgress, Orders } from '../orders/orders.ts';
import type { People } from '../people/people.ts';
import type { Translator } from './i18n.ts';
import { describeError, type Log } from './log.ts';
import type { Messenger, Screen } from './messenger.ts';
import { createRecent } from './recent.ts';
import { isBadRequest } from './telegram-errors.ts';
import { progressScreen } from './views/progress.ts';

export interface ProgressTimings {
  /** How often every paid order is looked at. */
  readonly tickMs: number;
  /** A message is not edited more often than this, nor are the bars of one chat together. */
  readonly editEveryMs: number;
}

export interface ProgressDisplayDeps {
  readonly orders: () => Orders;
  readonly people: Pick<People, 'find'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly timings: ProgressTimings;
  readonly log: Log;
}

/**
 * One message per paid order that follows its life to the end. What was shown is kept with the order,
 * so another process goes on with the same message.
 */
export interface ProgressDisplay {
  /** The state of the order changed: its message follows soon. */
  changed(orderId: string): void;
  /** Shows an order that was confirmed: at once if it is new, else no sooner than it may be edited again. */
  follow(orderId: string): Promise<void>;
  /** Brings the message up to date at once: a button on it was pressed. */
  refresh(orderId: string): Promise<void>;
  /** Shows the progress anew, at the bottom of the chat. */
  renew(orderId: string): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export function createProgressDisplay(deps: ProgressDisplayDeps): ProgressDisplay {
  const { messenger, timings, log } = deps;
  const inTurn = createTurns<string>();
  /** Of each order and of each chat. */
  const editedAt = createRecent<string | number, number>();
  /** Orders that are looked at again once they may be. */
  const waiting = new Map<string, NodeJS.Timeout>();
  /** Orders whose message is due, the one that waited longest first. */
  const due = new Set<string>();
  const running = new Set<Promise<unknown>>();
  /** Orders being shown right now: one slow chat does not hold up the others. */
  const busy = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  async function tick(): Promise<void> {
    for (const order of await deps.orders().active()) due.add(order.id);
    for (const orderId of [...due].filter((id) => !busy.has(id))) {
      busy.add(orderId);
      track(show(orderId, 'when due').finally(() => busy.delete(orderId)));
    }
  }

  function show(orderId: string, how: 'when due' | 'now' | 'anew'): Promise<void> {
    return inTurn(orderId, async () => {
      // Before the order is read: what changes from now on makes it due again.
      due.delete(orderId);
      try {
        const waitMs = await showNow(orderId, how);
        if (waitMs > 0) showLater(orderId, waitMs);
      } catch (error) {
        // The ticks look at paid orders alone: how an order ended would never be told again.
        if (!isBadRequest(error)) due.add(orderId);
        throw error;
      }
    });
  }

  function showLater(orderId: string, waitMs: number): void {
    due.add(orderId);
    if (!timer || waiting.has(orderId)) return;
    const look = () => {
      waiting.delete(orderId);
      track(show(orderId, 'when due'));
    };
    waiting.set(orderId, setTimeout(look, waitMs));
  }

  /** Returns for how long it is too early, in milliseconds; 0 when there is nothing to wait for. */
  async function showNow(orderId: string, how: 'when due' | 'now' | 'anew'): Promise<number> {
    // Before the order is read, which would be for nothing.
    if (how === 'when due' && heldBackMs(orderId) > 0) return heldBackMs(orderId);
    const progress = await deps.orders().progress(orderId);
    const person = progress && (await deps.people.find(progress.order.personId));
    if (!progress || !person || person.blockedAt) return 0;
    const screen = progressScreen(deps.translator(person.language), progress);
    const { order } = progress;
    const unchanged = order.progressText === screen.text;
    const untold = order.progressMessageId === null && !isActive(order.state);
    // A question has to be asked, wherever the message that led to it has gone.
    const idle = unchanged || (untold && order.partial !== 'offered');
    if (idle && how !== 'anew') return 0;
    // Only bars make way for one another: nobody waits long for the beginning or the end of an order.
    const isBar = isActive(order.state) && Boolean(order.progressText);
    if (how === 'when due' && isBar && heldBackMs(person.id) > 0) return heldBackMs(person.id);
    const mark = () => {
      for (const key of [orderId, person.id]) editedAt.set(key, Date.now());
    };
    // A call may take seconds: the pause counts from its answer, and until then from its beginning.
    mark();
    await place(progress, screen, how === 'anew').finally(mark);
    return 0;
  }

  function heldBackMs(key: string | number): number {
    return (editedAt.get(key) ?? 0) + timings.editEveryMs - Date.now();
  }

  async function place(progress: OrderProgress, screen: Screen, anew: boolean): Promise<void> {
    const { id: orderId, personId, progressMessageId: old } = progress.order;
    const messageId = await messenger.put(personId, anew ? null : old, screen);
    if (messageId === undefined) return;
    await deps.orders().setProgressMessage(orderId, { messageId, text: screen.text });
    if (anew && old !== null && old !== messageId) await messenger.remove(personId, old);
  }

  function track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error) => log.warn(describeError(error), 'Showing progress failed'))
      .finally(() => running.delete(tracked));
    running.add(tracked);
  }

  return {
    changed(orderId) {
      due.add(orderId);
      if (timer) track(show(orderId, 'when due'));
    },
    follow: (orderId) => show(orderId, 'when due'),
    refresh: (orderId) => show(orderId, 'now'),
    renew: (orderId) => show(orderId, 'anew'),
    start() {
      timer = setInterval(() => track(tick()), timings.tickMs);
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      for (const one of waiting.values()) clearTimeout(one);
      await Promise.all(running);
    },
  };
}
