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
  /** Messages of one chat are not edited more often than this. */
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
  /** Brings the message up to date at once. */
  refresh(orderId: string): Promise<void>;
  /** Shows the progress anew, at the bottom of the chat. */
  renew(orderId: string): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export function createProgressDisplay(deps: ProgressDisplayDeps): ProgressDisplay {
  const { messenger, timings, log } = deps;
  const inTurn = createTurns<string>();
  const editedAt = createRecent<number, number>();
  /** Whose order it is, so that one whose chat was just written in need not be read. */
  const owners = createRecent<string, number>();
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
        if ((await showNow(orderId, how)) === 'too early') due.add(orderId);
      } catch (error) {
        // The ticks look at paid orders alone: how an order ended would never be told again.
        if (!isBadRequest(error)) due.add(orderId);
        throw error;
      }
    });
  }

  async function showNow(
    orderId: string,
    how: 'when due' | 'now' | 'anew',
  ): Promise<'done' | 'too early'> {
    const owner = owners.get(orderId);
    if (how === 'when due' && owner !== undefined && isTooEarly(owner)) return 'too early';
    const progress = await deps.orders().progress(orderId);
    const person = progress && (await deps.people.find(progress.order.personId));
    if (!progress || !person || person.blockedAt) return 'done';
    owners.set(orderId, person.id);
    const screen = progressScreen(deps.translator(person.language), progress);
    const { order } = progress;
    const unchanged = order.progressText === screen.text;
    const untold = order.progressMessageId === null && !isActive(order.state);
    // A question has to be asked, wherever the message that led to it has gone.
    const idle = unchanged || (untold && order.partial !== 'offered');
    if (idle && how !== 'anew') return 'done';
    if (how === 'when due' && isTooEarly(person.id)) return 'too early';
    editedAt.set(person.id, Date.now());
    await place(progress, screen, how === 'anew');
    return 'done';
  }

  function isTooEarly(personId: number): boolean {
    return Date.now() - (editedAt.get(personId) ?? 0) < timings.editEveryMs;
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
    refresh: (orderId) => show(orderId, 'now'),
    renew: (orderId) => show(orderId, 'anew'),
    start() {
      timer = setInterval(() => track(tick()), timings.tickMs);
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await Promise.all(running);
    },
  };
}
