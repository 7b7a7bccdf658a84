import type { Gender } from '../domain/gender.ts';
import type { OrderMode } from '../domain/order-mode.ts';
import type { OrderState } from '../domain/order-state.ts';
import type { PhotoWarning } from '../domain/photo-look.ts';
import type { RecordingRefusal } from '../domain/recording.ts';
import type { SkipReason } from '../domain/skip-reason.ts';
import type { Stars } from '../domain/stars.ts';
import type { Option, Question } from '../services/service.ts';

/** An order as its owner may know it. */
export interface OrderView {
  readonly id: string;
  readonly personId: number;
  readonly serviceType: string;
  readonly state: OrderState;
  /** What was answered so far, by the fields of the service's questions. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** What is made, as the service's input has it; empty before the mode is chosen. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Chosen mode; null before the choice. */
  readonly mode: OrderMode | null;
  readonly price: Stars | null;
  readonly partial: 'offered' | 'accepted' | 'declined' | null;
  readonly collectorMessageId: number | null;
  readonly progressMessageId: number | null;
  readonly progressText: string | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

/** A file that came in a message. Name, type and sizes are the sender's claims. */
export interface IncomingFile {
  readonly messageId: number;
  readonly fileId: string;
  readonly fileUniqueId: string;
  readonly name: string | null;
  readonly sizeBytes: number | null;
  /** Over what the bot may download: it is named as skipped, nothing is fetched. */
  readonly tooBig: boolean;
}

/** What has arrived for an order so far. */
export interface Intake {
  readonly orderId: string;
  readonly personId: number;
  readonly state: OrderState;
  readonly photos: number;
  /** Files still being downloaded and looked at. */
  readonly pending: number;
  /** In the order they came; `name` is null for a photo without one. */
  readonly skipped: readonly { readonly name: string | null; readonly reason: SkipReason }[];
  /** So many files came that no more are written down. */
  readonly full: boolean;
}

/** What an order still has to be asked. */
export type NextOutcome =
  /** `options`: those of a choice; `photos`: how many of them there are already. */
  | {
      readonly kind: 'ask';
      readonly question: Question;
      readonly options: readonly Option[];
      readonly photos: number;
    }
  /** It takes an avatar, and the person has none. */
  | { readonly kind: 'no_avatars' }
  /** Everything is known: it can be quoted. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'closed' };

export type AnswerOutcome =
  | { readonly kind: 'kept' }
  | { readonly kind: 'too_short'; readonly min: number }
  /** `length` is that of everything written so far. */
  | { readonly kind: 'too_long'; readonly max: number; readonly length: number }
  /** No such question, or no such option any more. */
  | { readonly kind: 'not_offered' }
  | { readonly kind: 'closed' };

/** What became of a single photo or recording that was sent. */
export type ReceivedOutcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'skipped'; readonly name: string | null; readonly reason: SkipReason }
  | {
      readonly kind: 'refused';
      readonly reason: RecordingRefusal;
      /** How long a recording may be. */
      readonly maxSeconds: number;
    }
  /** Still on its way after a minute of waiting. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'disk_full' }
  | { readonly kind: 'closed' };

/** A trained avatar, as its owner may know it. */
export interface AvatarView {
  readonly id: number;
  readonly name: string;
  readonly gender: Gender;
  readonly createdAt: Date;
}

/** What somebody agrees to, as they saw it. */
export interface ShownOffer {
  readonly mode: OrderMode;
  readonly price: Stars;
  /** The quote it was an option of; left out by those who keep track of quotes themselves. */
  readonly quote?: string;
}

/** One line of the quote screen. */
export interface QuoteOption {
  /** Which quote it is an option of: eight hex digits, the same as long as the same is quoted; or empty. */
  readonly quote: string;
  readonly mode: OrderMode;
  /** How many steps it has; of a morph, transitions. */
  readonly transitions: number;
  readonly seconds: number;
  readonly price: Stars;
  /** Expected time until delivery, in seconds: measured, or the model's entry before any measurement. */
  readonly waitSeconds: number;
}

export type QuoteOutcome =
  | {
      readonly kind: 'quoted';
      readonly options: readonly QuoteOption[];
      readonly balance: Stars;
      readonly photos: number;
      /** Contact sheets: absolute paths of JPEGs, photos numbered in order. */
      readonly sheets: readonly string[];
      /** What is worth a second look before paying. */
      readonly warnings: readonly PhotoWarning[];
      /** Transitions of the free preview; 0 when none is offered. */
      readonly previewTransitions: number;
    }
  | { readonly kind: 'too_few'; readonly photos: number; readonly min: number }
  | { readonly kind: 'too_many'; readonly photos: number; readonly max: number }
  /** Files are still arriving after a minute of waiting. */
  | { readonly kind: 'pending'; readonly pending: number }
  | { readonly kind: 'disk_full' }
  /** Something is still to be asked. */
  | { readonly kind: 'incomplete' }
  /** Nobody can make it now. */
  | { readonly kind: 'not_offered' }
  | { readonly kind: 'closed' };

export type ChooseOutcome =
  | { readonly kind: 'chosen'; readonly option: QuoteOption; readonly balance: Stars }
  | {
      readonly kind: 'short';
      readonly option: QuoteOption;
      readonly balance: Stars;
      readonly missing: Stars;
    }
  | { readonly kind: 'closed' };

export type PreviewOutcome =
  | { readonly kind: 'started'; readonly transitions: number; readonly waitSeconds: number }
  /** Another one is being made for this person. */
  | { readonly kind: 'running' }
  /** Made before from the same photos: it can be sent again at once. */
  | { readonly kind: 'made'; readonly fileId: string; readonly transitions: number }
  | { readonly kind: 'limit'; readonly perDay: number }
  | { readonly kind: 'closed' };

export type ConfirmOutcome =
  | { readonly kind: 'queued'; readonly price: Stars; readonly balance: Stars }
  /** What was shown does not hold any more: the price, what it is for, or that it can be made; nothing was charged. */
  | { readonly kind: 'outdated' }
  /** Confirmed before: the same order, nothing charged now. */
  | { readonly kind: 'already'; readonly state: OrderState }
  | {
      readonly kind: 'short';
      readonly price: Stars;
      readonly balance: Stars;
      readonly missing: Stars;
    }
  /** Cancelled, somebody else's, unknown, or no mode was chosen. */
  | { readonly kind: 'closed' };

export type CancelOutcome =
  /** A draft or quote was dropped; no money was involved. */
  | { readonly kind: 'dropped' }
  /** Everything came back. */
  | { readonly kind: 'refunded'; readonly refunded: Stars }
  /** Some transitions are finished and stay paid; the person is asked about the shorter video. */
  | {
      readonly kind: 'partial_offered';
      readonly finished: number;
      readonly total: number;
      readonly refunded: Stars;
    }
  /** What was finished is on its way, the rest came back. */
  | { readonly kind: 'partial_kept'; readonly refunded: Stars }
  /** All transitions are rendered: the video is on its way. */
  | { readonly kind: 'too_late' }
  | { readonly kind: 'closed' };

/** What a progress message shows. */
export interface OrderProgress {
  readonly order: OrderView;
  readonly total: number;
  readonly finished: number;
  readonly running: number;
  /** Transitions of other orders that go before this one's next; 0 once it renders. */
  readonly ahead: number;
  /** Seconds until delivery, from measured times; null when nothing can be said. */
  readonly etaSeconds: number | null;
  /** The provider does not take work at the moment (credit, token): the order waits safely. */
  readonly waitingForProvider: boolean;
  readonly refunded: Stars;
}

/** A past order in the history, with what can be sent again without uploading. */
export interface HistoryItem {
  readonly order: OrderView;
  readonly transitions: number;
  /** Those of them that have a clip. */
  readonly finished: number;
  readonly refunded: Stars;
  readonly previewFileId: string | null;
  readonly documentFileIds: readonly string[];
  /** The messages that brought its result. */
  readonly messageIds: readonly number[];
}

/**
 * The life of an order, as the bot drives it. Every call may be repeated; what belongs to somebody
 * else behaves like what does not exist (`closed`, undefined). Calls that would do more when repeated
 * take a `requestId`, the id of the update that asks: the same request changes an order once.
 */
export interface Orders {
  /**
   * The person's open order of this service, or a new draft; from now on it is the current one. A person has
   * at most one open order of a service.
   */
  open(personId: number, serviceType: string): Promise<OrderView>;
  /** The person's current open order. */
  findOpen(personId: number): Promise<OrderView | undefined>;
  /**
   * A new draft with the answers, photos and recordings of an earlier order, but for the field that is to
   * change, in place of the open one; undefined when its files are gone, or it is nobody's.
   */
  again(
    orderId: string,
    personId: number,
    field: string | undefined,
    requestId: number,
  ): Promise<OrderView | undefined>;
  /** What is to be asked next. */
  next(orderId: string, personId: number): Promise<NextOutcome>;
  /** Keeps the answer to a question; a quoted order becomes a draft again. */
  answer(
    orderId: string,
    personId: number,
    field: string,
    value: string,
    requestId: number,
  ): Promise<AnswerOutcome>;
  /** Forgets the last answer, so that it is asked again; false when there is none. */
  back(orderId: string, personId: number, requestId: number): Promise<boolean>;
  /** The photos are all there: counts them, once those that are on their way have come. */
  done(
    orderId: string,
    personId: number,
  ): Promise<'done' | Exclude<QuoteOutcome, { kind: 'quoted' }>>;
  find(orderId: string, personId: number): Promise<OrderView | undefined>;
  /**
   * Writes the file down at once; it is fetched and looked at in the background. Adding to a quoted order makes
   * it a draft again. `full`: so many files came for it that this one is left out.
   */
  addFile(
    orderId: string,
    personId: number,
    file: IncomingFile,
  ): Promise<'added' | 'duplicate' | 'closed' | 'full'>;
  /** Writes a voice, audio or video down, in place of the one before; it is fetched in the background. */
  addRecording(
    orderId: string,
    personId: number,
    file: IncomingFile,
  ): Promise<'added' | 'duplicate' | 'closed'>;
  /** Waits for a single photo or recording to be looked at. */
  received(orderId: string, personId: number): Promise<ReceivedOutcome>;
  /** Takes back the last message's photos (an archive as a whole). */
  undo(orderId: string, personId: number, requestId: number): Promise<Intake | undefined>;
  clear(orderId: string, personId: number, requestId: number): Promise<Intake | undefined>;
  intake(orderId: string): Promise<Intake | undefined>;
  /** Waits for what is pending, makes the photos ready to be rendered and prices every mode. */
  quote(orderId: string, personId: number): Promise<QuoteOutcome>;
  choose(
    orderId: string,
    personId: number,
    choice: { readonly mode: OrderMode },
  ): Promise<ChooseOutcome>;
  /** Asks for the free preview of a quoted order; it comes into the chat by itself. */
  preview(orderId: string, personId: number): Promise<PreviewOutcome>;
  /** Charges what was shown, and nothing else, and enqueues, in one transaction. */
  confirm(orderId: string, personId: number, shown: ShownOffer): Promise<ConfirmOutcome>;
  /** Cancelled before with finished transitions and no answer yet: offers the shorter video again. */
  cancel(orderId: string, personId: number, requestId: number): Promise<CancelOutcome>;
  /** What this very request cancelled already, before the process that handled it died. */
  cancelledBy(
    personId: number,
    requestId: number,
  ): Promise<{ order: OrderView; outcome: CancelOutcome } | undefined>;
  /** Cancelled orders whose owner was not yet heard about the shorter video, newest first. */
  offered(personId: number): Promise<OrderView[]>;
  /** Whether the person wants the shorter video of a cancelled order. */
  answerPartial(
    orderId: string,
    personId: number,
    accept: boolean,
  ): Promise<'accepted' | 'declined' | 'closed'>;
  progress(orderId: string): Promise<OrderProgress | undefined>;
  /** Paid and not over, oldest first; of one person, or of everybody who can be told. */
  active(personId?: number): Promise<OrderView[]>;
  history(
    personId: number,
    page: { limit: number; offset: number },
  ): Promise<{ items: HistoryItem[]; total: number }>;
  /** The person's avatars, newest first. */
  avatars(personId: number): Promise<readonly AvatarView[]>;
  renameAvatar(avatarId: number, personId: number, name: string): Promise<boolean>;
  /** Deletes it here at once, and at the provider as soon as it can be reached. */
  deleteAvatar(avatarId: number, personId: number): Promise<boolean>;
  /** The words of a text result, while they are kept. */
  resultText(orderId: string, personId: number): Promise<string | undefined>;
  /** Deletes a person's photos, recordings, words, results and avatars; `busy` while an order is being made. */
  forget(personId: number): Promise<'forgotten' | 'busy'>;
  /** The person is reachable again, which is written down together with sending what waited for them. */
  personReturned(personId: number): Promise<void>;
  setCollectorMessage(orderId: string, messageId: number): Promise<void>;
  setProgressMessage(orderId: string, shown: { messageId: number; text: string }): Promise<void>;
}
