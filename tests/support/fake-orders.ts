import { planTransitions } from '../../src/domain/morph-plan.ts';
import { isActive, isOpen } from '../../src/domain/order-state.ts';
import type { PhotoWarning } from '../../src/domain/photo-look.ts';
import type { SkipReason } from '../../src/domain/skip-reason.ts';
import { NO_STARS, type Stars, stars } from '../../src/domain/stars.ts';
import type { ChatPort } from '../../src/orders/chat-port.ts';
import type {
  CancelOutcome,
  HistoryItem,
  IncomingFile,
  Intake,
  OrderProgress,
  Orders,
  OrderView,
  PreviewOutcome,
  QuoteOption,
} from '../../src/orders/orders.ts';

/** 44.53 ⭐, what five seconds of the default model cost. */
const TRANSITION_PRICE = 4453;

/** An order as the fake keeps it; tests change it at will. */
export interface FakeOrder {
  view: { -readonly [K in keyof OrderView]: OrderView[K] };
  files: (IncomingFile & { skip: SkipReason | null; pending: boolean })[];
  /** Requests that changed it. */
  requests: Set<number>;
  total: number;
  finished: number;
  running: number;
  ahead: number;
  etaSeconds: number | null;
  waitingForProvider: boolean;
  refunded: Stars;
  previewFileId: string | null;
  documentFileIds: string[];
}

/** Orders in memory, whose photos need no download and whose clips finish when a test says so. */
export interface FakeOrders extends Orders {
  readonly all: FakeOrder[];
  /** What was charged, per person. */
  readonly charges: { readonly personId: number; readonly amount: Stars }[];
  /** People who came back. */
  readonly returned: number[];
  /** The one order of a person that is not over, or their last. */
  of(personId: number): FakeOrder;
  /** Why a file of this name is skipped; `pending` leaves it arriving. */
  readonly verdicts: Map<string, SkipReason | 'pending'>;
  /** Thrown by the next calls of a method, one each. */
  readonly failures: { readonly method: keyof Orders; readonly error: Error }[];
  sheets: readonly string[];
  warnings: readonly PhotoWarning[];
  /** What comes of asking for a preview, one each; `started` when there is no more. */
  readonly previews: PreviewOutcome[];
  diskFull: boolean;
}

export function createFakeOrders(deps: {
  readonly chat: () => ChatPort;
  readonly balance: (personId: number) => Stars;
  readonly charge: (personId: number, amount: Stars) => void;
  /** Writes down that a person is reachable again. */
  readonly unblock: (personId: number) => void;
  readonly maxPhotos: number;
}): FakeOrders {
  const all: FakeOrder[] = [];
  const charges: FakeOrders['charges'] = [];
  const returned: number[] = [];
  const verdicts: FakeOrders['verdicts'] = new Map();
  const failures: FakeOrders['failures'] = [];
  const cancelled: {
    readonly personId: number;
    readonly requestId: number;
    readonly order: FakeOrder;
    readonly outcome: CancelOutcome;
  }[] = [];

  const find = (orderId: string, personId?: number) =>
    all.find(
      ({ view }) => view.id === orderId && (personId === undefined || view.personId === personId),
    );
  const findOpen = (personId: number) =>
    all.findLast(({ view }) => view.personId === personId && isOpen(view.state));
  const ready = (order: FakeOrder) => order.files.filter((file) => !file.skip && !file.pending);

  const intakeOf = (order: FakeOrder): Intake => ({
    orderId: order.view.id,
    personId: order.view.personId,
    state: order.view.state,
    photos: ready(order).length,
    pending: order.files.filter((file) => file.pending).length,
    skipped: order.files.flatMap(({ name, skip }) => (skip ? [{ name, reason: skip }] : [])),
  });

  const optionOf = (order: FakeOrder, mode: 'seamless' | 'loop'): QuoteOption => {
    const transitions = planTransitions(ready(order).length, mode).length;
    return {
      mode,
      transitions,
      seconds: transitions * 5,
      price: stars(transitions * TRANSITION_PRICE),
      waitSeconds: 250,
    };
  };

  const orders: FakeOrders = {
    all,
    charges,
    returned,
    verdicts,
    failures,
    sheets: [],
    warnings: [],
    previews: [],
    diskFull: false,
    of(personId) {
      const mine = all.filter(({ view }) => view.personId === personId);
      const order =
        mine.findLast(({ view }) => isOpen(view.state) || isActive(view.state)) ?? mine.at(-1);
      if (!order) throw new Error('The person has no order');
      return order;
    },
    async open(personId) {
      const open = findOpen(personId);
      if (open) return { ...open.view };
      const order: FakeOrder = {
        view: {
          id: `order${all.length + 1}`,
          personId,
          serviceType: 'image_morphing',
          state: 'draft',
          mode: null,
          price: null,
          partial: null,
          collectorMessageId: null,
          progressMessageId: null,
          progressText: null,
          createdAt: new Date('2026-11-22T10:00:00Z'),
          endedAt: null,
        },
        files: [],
        requests: new Set(),
        total: 0,
        finished: 0,
        running: 0,
        ahead: 0,
        etaSeconds: null,
        waitingForProvider: false,
        refunded: NO_STARS,
        previewFileId: null,
        documentFileIds: [],
      };
      all.push(order);
      return { ...order.view };
    },
    async findOpen(personId) {
      const order = findOpen(personId);
      return order && { ...order.view };
    },
    async find(orderId, personId) {
      const order = find(orderId, personId);
      return order && { ...order.view };
    },
    async addFile(orderId, personId, file) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return 'closed';
      if (order.files.some(({ fileUniqueId }) => fileUniqueId === file.fileUniqueId)) {
        return 'duplicate';
      }
      const verdict = verdicts.get(file.name ?? '');
      const skip = file.tooBig ? 'file_too_big' : verdict === 'pending' ? null : (verdict ?? null);
      order.files.push({ ...file, skip, pending: verdict === 'pending' });
      order.view.state = 'draft';
      order.view.mode = null;
      return 'added';
    },
    async undo(orderId, personId, requestId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return undefined;
      if (order.requests.has(requestId)) return intakeOf(order);
      order.requests.add(requestId);
      const last = Math.max(...order.files.map(({ messageId }) => messageId));
      order.files = order.files.filter(({ messageId }) => messageId !== last);
      order.view.state = 'draft';
      return intakeOf(order);
    },
    async clear(orderId, personId, requestId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return undefined;
      if (order.requests.has(requestId)) return intakeOf(order);
      order.requests.add(requestId);
      order.files = [];
      order.view.state = 'draft';
      return intakeOf(order);
    },
    async intake(orderId) {
      const order = find(orderId);
      return order && intakeOf(order);
    },
    async quote(orderId, personId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return { kind: 'closed' };
      const { photos, pending } = intakeOf(order);
      if (pending > 0) return { kind: 'pending', pending };
      if (photos < 2) return { kind: 'too_few', photos };
      if (photos > deps.maxPhotos) return { kind: 'too_many', photos, max: deps.maxPhotos };
      if (orders.diskFull) return { kind: 'disk_full' };
      order.view.state = 'quoted';
      order.view.mode = null;
      return {
        kind: 'quoted',
        options: [optionOf(order, 'seamless'), optionOf(order, 'loop')],
        balance: deps.balance(personId),
        photos,
        sheets: orders.sheets,
        warnings: orders.warnings,
        previewTransitions: photos - 1,
      };
    },
    async preview(orderId, personId) {
      const order = find(orderId, personId);
      if (order?.view.state !== 'quoted') return { kind: 'closed' };
      return orders.previews.shift() ?? { kind: 'started', transitions: 1, waitSeconds: 3 };
    },
    async choose(orderId, personId, { mode }) {
      const order = find(orderId, personId);
      if (order?.view.state !== 'quoted') return { kind: 'closed' };
      order.view.mode = mode;
      const option = optionOf(order, mode);
      const balance = deps.balance(personId);
      return balance >= option.price
        ? { kind: 'chosen', option, balance }
        : { kind: 'short', option, balance, missing: stars(option.price - balance) };
    },
    async confirm(orderId, personId, shown) {
      const order = find(orderId, personId);
      if (!order) return { kind: 'closed' };
      if (order.total > 0) return { kind: 'already', state: order.view.state };
      if (!isOpen(order.view.state)) return { kind: 'closed' };
      const { mode, state } = order.view;
      if (state !== 'quoted' || mode !== shown.mode) return { kind: 'outdated' };
      const { price, transitions } = optionOf(order, mode);
      if (price !== shown.price) return { kind: 'outdated' };
      const balance = deps.balance(personId);
      if (balance < price) {
        return { kind: 'short', price, balance, missing: stars(price - balance) };
      }
      deps.charge(personId, price);
      charges.push({ personId, amount: price });
      order.view.state = 'queued';
      order.view.price = price;
      order.total = transitions;
      deps.chat().progressChanged(orderId);
      return { kind: 'queued', price, balance: stars(balance - price) };
    },
    async cancel(orderId, personId, requestId) {
      const order = find(orderId, personId);
      if (!order) return { kind: 'closed' };
      const { view, finished, total } = order;
      const done = (outcome: CancelOutcome): CancelOutcome => {
        cancelled.push({ personId, requestId, order, outcome });
        return outcome;
      };
      if (isOpen(view.state)) {
        view.state = 'cancelled';
        return done({ kind: 'dropped' });
      }
      if (view.state === 'cancelled' && view.partial === 'offered') {
        return { kind: 'partial_offered', finished, total, refunded: order.refunded };
      }
      if (view.state === 'finishing' || view.state === 'delivering') return { kind: 'too_late' };
      if (!isActive(view.state)) return { kind: 'closed' };
      view.state = 'cancelled';
      order.refunded = stars((total - finished) * TRANSITION_PRICE);
      if (finished > 0) view.partial = 'offered';
      deps.charge(personId, stars(-order.refunded));
      deps.chat().progressChanged(orderId);
      const { refunded } = order;
      return finished === 0
        ? done({ kind: 'refunded', refunded })
        : done({ kind: 'partial_offered', finished, total, refunded });
    },
    async cancelledBy(personId, requestId) {
      const found = cancelled.find(
        (known) => known.personId === personId && known.requestId === requestId,
      );
      return found && { order: { ...found.order.view }, outcome: found.outcome };
    },
    async offered(personId) {
      return all
        .filter(({ view }) => view.personId === personId)
        .filter(({ view }) => view.state === 'cancelled' && view.partial === 'offered')
        .map(({ view }) => ({ ...view }))
        .toReversed();
    },
    async answerPartial(orderId, personId, accept) {
      const order = find(orderId, personId);
      if (!order?.view.partial) return 'closed';
      if (order.view.partial !== 'offered') return order.view.partial;
      order.view.partial = accept ? 'accepted' : 'declined';
      if (accept) order.view.state = 'finishing';
      deps.chat().progressChanged(orderId);
      return order.view.partial;
    },
    async progress(orderId): Promise<OrderProgress | undefined> {
      const order = find(orderId);
      if (!order || order.total === 0) return undefined;
      const { total, finished, running, ahead, etaSeconds, waitingForProvider, refunded } = order;
      const view = { ...order.view };
      return {
        order: view,
        total,
        finished,
        running,
        ahead,
        etaSeconds,
        waitingForProvider,
        refunded,
      };
    },
    async active(personId) {
      return all
        .filter(({ view }) => personId === undefined || view.personId === personId)
        .filter(({ view }) => isActive(view.state))
        .map(({ view }) => ({ ...view }));
    },
    async history(personId, { limit, offset }) {
      const mine = all.filter(({ view, total }) => view.personId === personId && total > 0);
      const items = mine
        .toReversed()
        .slice(offset, offset + limit)
        .map(
          ({ view, total, finished, refunded, previewFileId, documentFileIds }): HistoryItem => ({
            order: { ...view },
            transitions: total,
            finished,
            refunded,
            previewFileId,
            documentFileIds,
          }),
        );
      return { items, total: mine.length };
    },
    async personReturned(personId) {
      returned.push(personId);
      deps.unblock(personId);
    },
    async setCollectorMessage(orderId, messageId) {
      const order = find(orderId);
      if (order) order.view.collectorMessageId = messageId;
    },
    async setProgressMessage(orderId, { messageId, text }) {
      const order = find(orderId);
      if (!order) return;
      order.view.progressMessageId = messageId;
      order.view.progressText = text;
    },
  };

  return new Proxy(orders, {
    get(target, name, receiver) {
      const index = failures.findIndex(({ method }) => method === name);
      if (index < 0) return Reflect.get(target, name, receiver);
      const [failure] = failures.splice(index, 1);
      return () => Promise.reject(failure?.error);
    },
  });
}
