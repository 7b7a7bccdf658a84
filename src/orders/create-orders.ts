import { and, eq, isNull } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { deliveries, orders, people, predictions } from '../db/schema.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Images } from '../media/images.ts';
import type { Morpher } from '../media/morpher/morpher.ts';
import type { Photos } from '../media/photos.ts';
import type { Sounds } from '../media/sounds.ts';
import type { Storage } from '../media/storage.ts';
import type { Video } from '../media/video.ts';
import type { Provider } from '../providers/provider.ts';
import type { Catalogue } from '../services/catalogue.ts';
import { beginAgain } from './again.ts';
import { forgetAnswer, keepAnswer, nextQuestion } from './answers.ts';
import { stepTopic } from './attempt-job.ts';
import { adoptPrediction } from './attempts.ts';
import { deleteAvatar, forgetWeights, renameAvatar, viewAvatars } from './avatars.ts';
import { answerPartial, cancelOrder, findCancelledBy } from './cancel.ts';
import type { ChatPort } from './chat-port.ts';
import { checkAgain, checkModels } from './check-models.ts';
import { confirmOrder } from './confirm.ts';
import { awaitReceived, countDone } from './counted-photos.ts';
import { deliverOrder } from './deliver.ts';
import { addFile, clearPhotos, findOpenOrder, openOrder, readIntake, undoLast } from './draft.ts';
import { finishOrder } from './finish.ts';
import { forgetPerson } from './forget-person.ts';
import { TRAININGS_AT_ONCE } from './lanes.ts';
import type { Orders } from './orders.ts';
import { readText } from './outputs.ts';
import { askPreview, renderPreview } from './preview.ts';
import { listActive, listHistory, listOffered, listRecent, readProgress } from './progress.ts';
import { createProviders } from './providers.ts';
import { purgeOrder } from './purge.ts';
import type { Queue } from './queue.ts';
import { chooseMode, quoteOrder } from './quote.ts';
import { reapTraining } from './reap.ts';
import { receivePhoto } from './receive-photo.ts';
import { addRecording, receiveRecording } from './receive-recording.ts';
import { renderStep } from './render-step.ts';
import { RENDER_TIMING, type RenderTiming } from './render-timing.ts';
import { textResultKey } from './results/text.ts';
import { inStates, readOrder, readSteps, toView } from './rows.ts';
import type { Slot } from './slots.ts';
import { createWatch } from './watch.ts';

/** Files are fetched and looked at this many at a time; each is quick, and a hundred come at once. */
const INTAKE_WORKERS = { count: 2, batch: 3 };
/** Each makes a small file of a large one. */
const RECORDING_WORKERS = { count: 2 };
/** Of those that render, so many more may fetch and check outputs beside. */
const SPARE_SHARE = 0.5;
/** Trainings take hours, and nothing of this machine. */
const TRAINING_SLOTS = { size: 1, spare: TRAININGS_AT_ONCE - 1 };
const ANY_TIME: Slot = { release: () => undefined, take: async () => undefined };
/** Finishing is disk and processor; the machine is small. */
const FINISH_WORKERS = { count: 1 };
const DELIVER_WORKERS = { count: 4, mayEnd: true };
/** One clip at a time is rendered here anyway. */
const PREVIEW_WORKERS = { count: 1 };
const PURGE_WORKERS = { count: 1 };
const FORGET_WORKERS = { count: 1 };
const REAP_WORKERS = { count: 1 };
/** Nobody waits longer at the start for models to tell their fields. */
const CHECK_MS = 3_000;

export interface OrdersDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly photos: Photos;
  readonly video: Video;
  readonly morpher: Pick<Morpher, 'morph'>;
  readonly images: Images;
  readonly sounds: Sounds;
  /** Everybody who can render here. */
  readonly providers: readonly Provider[];
  readonly chat: ChatPort;
  readonly log: { warn(fields: object, message: string): void };
  readonly catalogue: Catalogue;
  /** From now on the model is not offered: `catalogue.terms` know. */
  readonly withdraw: (model: string) => void;
  readonly maxPhotos: number;
  readonly renderConcurrency: number;
  readonly retentionHours: number;
  /** Free previews of one person within 24 hours; 0 offers none. */
  readonly previewsPerDay: number;
  readonly uploadLimitBytes: number;
  readonly timing?: RenderTiming;
}

/** The orders and the scheduler that moves them. */
export interface OrderDesk extends Orders {
  /** Starts the workers; what an earlier process left unfinished is taken up at once. */
  start(): Promise<void>;
  /** A webhook told of a prediction: whoever waits for it looks now; one that is nobody's is stopped. */
  predictionChanged(attemptId: string, externalId: string): Promise<void>;
}

/** @see OrderDesk */
export function createOrders(given: OrdersDeps): OrderDesk {
  const timing = given.timing ?? RENDER_TIMING;
  const watch = createWatch();
  const { retryMs } = timing;
  const providers = createProviders(given.providers, { retryMs, watch, chat: given.chat });
  const deps = { ...given, timing, watch, providers, retryMs };
  const { db, queue } = deps;

  /** Handlers in this process learn at once that their step is no longer wanted. */
  const wakeSteps = async (orderId: string) => {
    for (const step of await readSteps(db, orderId)) watch.wake(stepTopic(step.id));
  };

  return {
    async start() {
      await queue.work('photo', INTAKE_WORKERS, ({ photoId }, signal) =>
        receivePhoto(deps, photoId, signal),
      );
      const size = deps.renderConcurrency;
      const slots = { size, spare: Math.ceil(size * SPARE_SHARE) };
      queue.workInSlots('step', slots, ({ stepId }, signal, slot) =>
        renderStep(deps, stepId, signal, slot),
      );
      queue.workInSlots('training', TRAINING_SLOTS, ({ stepId }, signal, slot) => {
        // The slot belongs to whoever looks for the next one: a worker for each that runs, and one more.
        slot.release();
        return renderStep(deps, stepId, signal, ANY_TIME);
      });
      await queue.work('recording', RECORDING_WORKERS, ({ recordingId }, signal) =>
        receiveRecording(deps, recordingId, signal),
      );
      await queue.work('finish', FINISH_WORKERS, ({ orderId }, signal) =>
        finishOrder(deps, orderId, signal),
      );
      await queue.work('deliver', DELIVER_WORKERS, ({ orderId }, signal) =>
        deliverOrder(deps, orderId, signal),
      );
      await queue.work('preview', PREVIEW_WORKERS, ({ previewId }, signal) =>
        renderPreview(deps, previewId, signal),
      );
      await queue.work('purge', PURGE_WORKERS, ({ orderId }) => purgeOrder(deps, orderId));
      await queue.work('forget', FORGET_WORKERS, ({ avatarId }, signal) =>
        forgetWeights(deps, avatarId, signal),
      );
      await queue.work('reap', REAP_WORKERS, (job, signal) => reapTraining(deps, job, signal));
      // What is paid goes on meanwhile. In time, if the models tell in time: what drifted away is not to be sold.
      const unknown = await checkModels(deps, AbortSignal.timeout(CHECK_MS));
      void checkAgain(deps, unknown, timing.recheckMs, queue.stopping);
      const recent = await listRecent(db);
      for (const orderId of recent.filled) deps.chat.intakeChanged(orderId);
      for (const orderId of recent.ended) deps.chat.progressChanged(orderId);
    },

    async predictionChanged(attemptId, externalId) {
      const adopted = await adoptPrediction(db, attemptId, externalId);
      if (adopted) return watch.wake(stepTopic(adopted.stepId));
      const [row] = await db.select().from(predictions).where(eq(predictions.id, attemptId));
      if (row?.kind === 'training') {
        await db.transaction((tx) => queue.send(tx, 'reap', [{ data: { attemptId, externalId } }]));
        return;
      }
      await deps.providers.find('replicate')?.cancel(externalId, AbortSignal.timeout(30_000));
    },

    async open(personId, serviceType) {
      return toView(await openOrder(deps, personId, serviceType));
    },
    async again(orderId, personId, field, requestId) {
      const order = await beginAgain(deps, { orderId, personId, requestId }, field);
      return order && toView(order);
    },
    next: (orderId, personId) => nextQuestion(deps, orderId, personId),
    answer: (orderId, personId, field, value, requestId) =>
      keepAnswer(deps, { orderId, personId, requestId }, field, value),
    back: (orderId, personId, requestId) => forgetAnswer(deps, { orderId, personId, requestId }),
    done: (orderId, personId) => countDone(deps, orderId, personId),
    async findOpen(personId) {
      const order = await findOpenOrder(db, personId);
      return order && toView(order);
    },
    async find(orderId, personId) {
      const order = await readOrder(db, orderId, personId);
      return order && toView(order);
    },
    addFile: (orderId, personId, file) => addFile(deps, orderId, personId, file),
    addRecording: (orderId, personId, file) => addRecording(deps, orderId, personId, file),
    received: (orderId, personId) => awaitReceived(deps, orderId, personId),
    undo: (orderId, personId, requestId) => undoLast(deps, orderId, personId, requestId),
    clear: (orderId, personId, requestId) => clearPhotos(deps, orderId, personId, requestId),
    intake: (orderId) => readIntake(db, orderId),
    quote: (orderId, personId) => quoteOrder(deps, orderId, personId),
    choose: (orderId, personId, choice) => chooseMode(deps, orderId, personId, choice),

    preview: (orderId, personId) => askPreview(deps, orderId, personId),

    async confirm(orderId, personId, shown) {
      const outcome = await confirmOrder(deps, orderId, personId, shown);
      if (outcome.kind === 'queued') deps.chat.progressChanged(orderId);
      return outcome;
    },

    async cancel(orderId, personId, requestId) {
      const outcome = await cancelOrder(deps, orderId, personId, requestId);
      await wakeSteps(orderId);
      deps.chat.progressChanged(orderId);
      return outcome;
    },

    async cancelledBy(personId, requestId) {
      const found = await findCancelledBy(deps, personId, requestId);
      return found && { order: toView(found.order), outcome: found.outcome };
    },
    offered: (personId) => listOffered(db, personId),

    async answerPartial(orderId, personId, accept) {
      const outcome = await answerPartial(deps, orderId, personId, accept);
      deps.chat.progressChanged(orderId);
      return outcome;
    },

    progress: (orderId) => readProgress(deps, orderId),
    active: (personId) => listActive(db, personId),
    history: (personId, page) => listHistory(deps, personId, page),

    avatars: (personId) => viewAvatars(db, personId),
    renameAvatar: (avatarId, personId, name) => renameAvatar(db, avatarId, personId, name),
    deleteAvatar: (avatarId, personId) =>
      db.transaction((tx) => deleteAvatar(deps, tx, avatarId, personId)),
    async resultText(orderId, personId) {
      const order = await readOrder(db, orderId, personId);
      const key = textResultKey(orderId);
      return order && (await deps.storage.exists(key)) ? readText(deps.storage, key) : undefined;
    },
    forget: (personId) => forgetPerson(deps, personId),

    async personReturned(personId) {
      await db.transaction(async (tx) => {
        await tx.update(people).set({ blockedAt: null }).where(eq(people.id, personId));
        const waiting = await tx
          .select({ id: orders.id })
          .from(orders)
          .leftJoin(
            deliveries,
            and(eq(deliveries.orderId, orders.id), eq(deliveries.kind, 'notice')),
          )
          .where(
            and(
              eq(orders.personId, personId),
              inStates(['delivering', 'failed']),
              isNull(deliveries.id),
            ),
          );
        const jobs = waiting.map(({ id }) => ({ data: { orderId: id } }));
        await queue.send(tx, 'deliver', jobs);
      });
    },

    async setCollectorMessage(orderId, messageId) {
      await db.update(orders).set({ collectorMessageId: messageId }).where(eq(orders.id, orderId));
    },
    async setProgressMessage(orderId, shown) {
      await db
        .update(orders)
        .set({ progressMessageId: shown.messageId, progressText: shown.text })
        .where(eq(orders.id, orderId));
    },
  };
}
