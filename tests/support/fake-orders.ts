import { createHash } from 'node:crypto';
import type { Gender } from '../../src/domain/gender.ts';
import { planTransitions } from '../../src/domain/morph-plan.ts';
import type { OrderMode } from '../../src/domain/order-mode.ts';
import { isActive, isOpen } from '../../src/domain/order-state.ts';
import type { PhotoWarning } from '../../src/domain/photo-look.ts';
import type { SkipReason } from '../../src/domain/skip-reason.ts';
import { NO_STARS, type Stars, stars } from '../../src/domain/stars.ts';
import type { ChatPort } from '../../src/orders/chat-port.ts';
import type {
  AvatarView,
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
import type { Catalogue } from '../../src/services/catalogue.ts';
import type { Question } from '../../src/services/service.ts';

/** 44.53 ⭐, what five seconds of the default model cost; of everything else, what one step does. */
const TRANSITION_PRICE = 4453;

/** An order as the fake keeps it; tests change it at will. */
export interface FakeOrder {
  view: { -readonly [K in keyof OrderView]: OrderView[K] };
  files: (IncomingFile & { skip: SkipReason | null; pending: boolean })[];
  recording: IncomingFile | null;
  /** Whether it takes no more files. */
  full: boolean;
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
  messageIds: number[];
  /** The words of a text result. */
  text?: string;
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
  /** Thrown by the next calls of a method, one each; with `personId` by those that name this person first. */
  readonly failures: {
    readonly method: keyof Orders;
    readonly error: Error;
    readonly personId?: number;
  }[];
  sheets: readonly string[];
  warnings: readonly PhotoWarning[];
  /** What comes of asking for a preview, one each; `started` when there is no more. */
  readonly previews: PreviewOutcome[];
  diskFull: boolean;
  /** Everybody's avatars. */
  readonly owned: (AvatarView & { readonly personId: number })[];
}

export function createFakeOrders(deps: {
  readonly chat: () => ChatPort;
  readonly balance: (personId: number) => Stars;
  readonly charge: (personId: number, amount: Stars) => void;
  /** Writes down that a person is reachable again. */
  readonly unblock: (personId: number) => void;
  readonly maxPhotos: number;
  readonly catalogue: Catalogue;
  /** What a person told; null: never asked. */
  readonly genderOf: (personId: number) => Promise<Gender | null>;
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
    full: order.full,
  });

  const serviceOf = ({ view }: FakeOrder) => deps.catalogue.require(view.serviceType);
  const modesOf = (order: FakeOrder): readonly OrderMode[] =>
    serviceOf(order).modes ?? ['standard'];

  const optionOf = (order: FakeOrder, mode: OrderMode): QuoteOption => {
    const transitions = mode === 'standard' ? 1 : planTransitions(ready(order).length, mode).length;
    const told = JSON.stringify([
      order.view.answers,
      ready(order).map(({ messageId }) => messageId),
    ]);
    return {
      quote: createHash('sha256').update(told).digest('hex').slice(0, 8),
      mode,
      transitions,
      seconds: transitions * 5,
      price: stars(transitions * TRANSITION_PRICE),
      waitSeconds: 250,
    };
  };

  const minPhotos = (order: FakeOrder) =>
    serviceOf(order).questions.find((question) => question.kind === 'photos')?.min ?? 0;

  /** What is known of an order, and the questions without an answer. */
  const factsOf = async (order: FakeOrder) => {
    const gender = order.view.answers['gender'] ?? (await deps.genderOf(order.view.personId));
    const values = { ...order.view.answers, photoCount: ready(order).length, gender };
    const isOpenQuestion = (question: Question) => {
      if (question.kind === 'gender' && !question.always) return gender === null;
      if (question.kind === 'recording') return order.recording === null;
      if (question.kind === 'photos' && question.max === 1) return ready(order).length === 0;
      return !(question.field in order.view.answers);
    };
    return { values, open: serviceOf(order).questions.filter(isOpenQuestion) };
  };

  const reopen = ({ view }: FakeOrder) => {
    const { photoCount: _counted, ...answers } = view.answers;
    Object.assign(view, { state: 'draft', mode: null, input: {}, answers });
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
    owned: [],
    diskFull: false,
    of(personId) {
      const mine = all.filter(({ view }) => view.personId === personId);
      const order =
        mine.findLast(({ view }) => isOpen(view.state) || isActive(view.state)) ?? mine.at(-1);
      if (!order) throw new Error('The person has no order');
      return order;
    },
    async open(personId, serviceType) {
      const mine = all.filter(({ view }) => view.personId === personId && isOpen(view.state));
      const open = mine.find(({ view }) => view.serviceType === serviceType);
      if (open) {
        // The one that was gone on with last is the current one.
        all.push(...all.splice(all.indexOf(open), 1));
        return { ...open.view };
      }
      const order: FakeOrder = {
        view: {
          id: `order${all.length + 1}`,
          personId,
          serviceType,
          state: 'draft',
          answers: {},
          input: {},
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
        recording: null,
        full: false,
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
        messageIds: [],
      };
      all.push(order);
      return { ...order.view };
    },
    async findOpen(personId) {
      const order = findOpen(personId);
      return order && { ...order.view };
    },
    async next(orderId, personId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return { kind: 'closed' };
      const [question] = (await factsOf(order)).open;
      if (!question) return { kind: 'complete' };
      const options =
        question.kind === 'choice'
          ? question.options(deps.catalogue.terms, order.view.answers)
          : question.kind === 'avatar'
            ? orders.owned
                .filter((avatar) => avatar.personId === personId)
                .map(({ id, name }) => ({ value: String(id), label: name }))
            : [];
      if (question.kind === 'avatar' && options.length === 0) return { kind: 'no_avatars' };
      return { kind: 'ask', question, options, photos: ready(order).length };
    },
    async answer(orderId, personId, field, value, requestId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return { kind: 'closed' };
      if (order.requests.has(requestId)) return { kind: 'kept' };
      const question = serviceOf(order).questions.find((one) => one.field === field);
      if (!question) return { kind: 'not_offered' };
      if (question.kind === 'text' && value.length > question.maxLength) {
        return { kind: 'too_long', max: question.maxLength, length: value.length };
      }
      order.requests.add(requestId);
      reopen(order);
      order.view.answers = { ...order.view.answers, [field]: value };
      return { kind: 'kept' };
    },
    async back(orderId, personId, requestId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return false;
      if (order.requests.has(requestId)) return true;
      const { answers } = order.view;
      const last = serviceOf(order).questions.findLast(({ field }) => field in answers);
      if (!last) return false;
      order.requests.add(requestId);
      reopen(order);
      const { [last.field]: _forgotten, ...others } = order.view.answers;
      order.view.answers = others;
      return true;
    },
    async done(orderId, personId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return { kind: 'closed' };
      const { photos } = intakeOf(order);
      const min = minPhotos(order);
      if (photos < min) return { kind: 'too_few', photos, min };
      order.view.answers = { ...order.view.answers, photoCount: photos };
      return 'done';
    },
    async again(orderId, personId, field = '', requestId) {
      const begun = all.find(
        ({ view, requests }) => view.id !== orderId && requests.has(requestId),
      );
      if (begun) return { ...begun.view };
      const old = find(orderId, personId);
      if (!old || isOpen(old.view.state)) return undefined;
      for (const { view } of all) {
        const isSame = view.personId === personId && view.serviceType === old.view.serviceType;
        if (isSame && isOpen(view.state)) view.state = 'cancelled';
      }
      const { id } = await orders.open(personId, old.view.serviceType);
      const order = find(id);
      if (!order) return undefined;
      order.requests.add(requestId);
      const { [field]: _changed, ...answers } = old.view.answers;
      Object.assign(order, { files: [...old.files], recording: old.recording });
      order.view.answers = answers;
      return { ...order.view };
    },
    async addRecording(orderId, personId, file) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return 'closed';
      if (order.recording?.messageId === file.messageId) return 'duplicate';
      reopen(order);
      order.recording = file;
      return 'added';
    },
    async received(orderId, personId) {
      const order = find(orderId, personId);
      return order && isOpen(order.view.state) ? { kind: 'ready' } : { kind: 'closed' };
    },
    avatars: async (personId) => orders.owned.filter((avatar) => avatar.personId === personId),
    async renameAvatar(avatarId, personId, name) {
      const at = orders.owned.findIndex(
        (avatar) => avatar.id === avatarId && avatar.personId === personId,
      );
      const avatar = orders.owned[at];
      if (avatar) orders.owned[at] = { ...avatar, name };
      return avatar !== undefined;
    },
    async deleteAvatar(avatarId, personId) {
      const at = orders.owned.findIndex(
        (avatar) => avatar.id === avatarId && avatar.personId === personId,
      );
      return at >= 0 && orders.owned.splice(at, 1).length > 0;
    },
    async resultText(orderId, personId) {
      return find(orderId, personId)?.text;
    },
    async forget(personId) {
      const mine = all.filter(({ view }) => view.personId === personId);
      if (mine.some(({ view }) => isActive(view.state))) return 'busy';
      for (const { view } of mine) if (isOpen(view.state)) view.state = 'cancelled';
      return 'forgotten';
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
      if (order.full) return 'full';
      const verdict = verdicts.get(file.name ?? '');
      const skip = file.tooBig ? 'file_too_big' : verdict === 'pending' ? null : (verdict ?? null);
      order.files.push({ ...file, skip, pending: verdict === 'pending' });
      reopen(order);
      return 'added';
    },
    async undo(orderId, personId, requestId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return undefined;
      if (order.requests.has(requestId)) return intakeOf(order);
      order.requests.add(requestId);
      const last = Math.max(...order.files.map(({ messageId }) => messageId));
      order.files = order.files.filter(({ messageId }) => messageId !== last);
      reopen(order);
      return intakeOf(order);
    },
    async clear(orderId, personId, requestId) {
      const order = find(orderId, personId);
      if (!order || !isOpen(order.view.state)) return undefined;
      if (order.requests.has(requestId)) return intakeOf(order);
      order.requests.add(requestId);
      order.files = [];
      reopen(order);
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
      const { open } = await factsOf(order);
      if (open.some(({ kind }) => kind !== 'photos')) return { kind: 'incomplete' };
      const min = minPhotos(order);
      if (photos < min) return { kind: 'too_few', photos, min };
      if (photos > deps.maxPhotos) return { kind: 'too_many', photos, max: deps.maxPhotos };
      if (orders.diskFull) return { kind: 'disk_full' };
      order.view.state = 'quoted';
      order.view.mode = null;
      return {
        kind: 'quoted',
        options: modesOf(order).map((mode) => optionOf(order, mode)),
        balance: deps.balance(personId),
        photos,
        sheets: orders.sheets,
        warnings: orders.warnings,
        previewTransitions: serviceOf(order).finish === 'stitched_video' ? photos - 1 : 0,
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
      order.view.input = { ...(await factsOf(order)).values, mode };
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
      if (state !== 'quoted' || mode === null || mode !== shown.mode) return { kind: 'outdated' };
      const { price, transitions, quote } = optionOf(order, mode);
      const isShown = shown.quote === undefined || shown.quote === quote;
      if (price !== shown.price || !isShown) return { kind: 'outdated' };
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
          ({
            view,
            total,
            finished,
            refunded,
            previewFileId,
            documentFileIds,
            messageIds,
          }): HistoryItem => ({
            order: { ...view },
            transitions: total,
            finished,
            refunded,
            previewFileId,
            documentFileIds,
            messageIds,
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
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function' || failures.length === 0) return value;
      return (...args: unknown[]) => {
        const index = failures.findIndex(
          ({ method, personId }) =>
            method === name && (personId === undefined || personId === args[0]),
        );
        if (index < 0) return value.apply(receiver, args);
        const [failure] = failures.splice(index, 1);
        return Promise.reject(failure?.error);
      };
    },
  });
}
