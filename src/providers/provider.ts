import type { Failure } from '../domain/failure.ts';

/** Fields of a model's input, as its schema names them. */
export type Fields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What is bought: an output, or a new version of a private model. */
export type PredictionKind = 'prediction' | 'training';

/** A prediction as the scheduler asks for it: which model, with which fields and which local files. */
export interface PredictionRequest {
  readonly kind: PredictionKind;
  /** `owner/name` of the catalogue, or `owner/name:version`. */
  readonly model: string;
  readonly input: Fields;
  /**
   * Fields that hold files: field name → absolute path on this machine, or several. What a file is, its
   * extension tells: .jpg, .png, .webp, .zip, .mp3, .ogg, .wav, .m4a, .mp4.
   */
  readonly files: Readonly<Record<string, string | readonly string[]>>;
}

/** A request whose files the provider can reach; it is stored before the create call is made. */
export interface PreparedRequest {
  readonly kind: PredictionKind;
  readonly model: string;
  /** The final fields, as they will be sent. */
  readonly input: Fields;
  /** Recognises a prediction of this very input in a listing (a digest of model and fields). */
  readonly fingerprint: string;
}

/** One attempt: its id is ours and was stored before any call. */
export interface Attempt {
  readonly attemptId: string;
  readonly request: PreparedRequest;
  /** After this the provider itself should stop the prediction, in milliseconds from creation. */
  readonly deadlineMs: number;
}

/** By what the prediction of an attempt is found whose id was never learnt. */
export interface Lookup extends Attempt {
  readonly createdAfter: Date;
  /** External ids that already belong to other attempts. */
  readonly claimed: ReadonlySet<string>;
}

export type PrepareOutcome =
  | { readonly kind: 'prepared'; readonly request: PreparedRequest }
  | { readonly kind: 'failed'; readonly failure: Failure };

export type CreateOutcome =
  | { readonly kind: 'created'; readonly externalId: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

export type FindOutcome =
  | { readonly kind: 'found'; readonly externalId: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly failure: Failure };

export type PredictionStatus =
  | { readonly kind: 'running' }
  /** `output`: whatever the model gave, a file as its URL; whoever asked for it knows how to read it. */
  | { readonly kind: 'succeeded'; readonly output: unknown }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Who renders. External ids are the provider's own strings, kept and given back as they are; a training
 * and a prediction never have the same. Every call is one try without retries of its own: the scheduler decides what is
 * repeated. Expected failures are returned; an exception is a bug. `signal` ends a call early.
 */
export interface Provider {
  readonly name: 'replicate' | 'local' | 'bfl';
  /** Makes the files reachable. Buys nothing and may be repeated. */
  prepare(request: PredictionRequest, signal: AbortSignal): Promise<PrepareOutcome>;
  /** Buys one prediction, with exactly one request over the wire. */
  create(attempt: Attempt, signal: AbortSignal): Promise<CreateOutcome>;
  /**
   * Looks for a prediction of this attempt whose create answer never reached us.
   * A failure of kind `bad_input` says that this provider cannot be asked so, now or later.
   */
  find(lookup: Lookup, signal: AbortSignal): Promise<FindOutcome>;
  /** One look at a prediction. */
  check(externalId: string, signal: AbortSignal): Promise<CheckOutcome>;
  /** Asks to stop a prediction; one that is over or unknown counts as stopped. */
  cancel(externalId: string, signal: AbortSignal): Promise<CancelOutcome>;
  /** Downloads one output to `path` (whole or not at all), capped in size and time. */
  download(output: string, path: string, signal: AbortSignal): Promise<DownloadOutcome>;
  /** The input fields of a model's live schema. Unset where there are no schemas to ask for. */
  readInputFields?(model: string, signal: AbortSignal): Promise<FieldsOutcome>;
  /** Deletes a trained version (`owner/name:version`) with its weights; one that is gone counts as deleted. */
  deleteVersion?(version: string, signal: AbortSignal): Promise<DeleteOutcome>;
}

export type FieldsOutcome =
  | { readonly kind: 'known'; readonly fields: ReadonlySet<string> }
  /** The provider does not tell, now or ever: nothing is concluded from that. */
  | { readonly kind: 'unknown' };

export type DeleteOutcome =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'unreachable'; readonly failure: Failure };

export type CheckOutcome =
  | { readonly kind: 'seen'; readonly status: PredictionStatus }
  /** The provider answers that it has none by that id: it has not caught up with itself yet, or lost it. */
  | { readonly kind: 'unknown' }
  /** We could not look; the prediction itself may be fine. */
  | { readonly kind: 'unreachable'; readonly failure: Failure };

export type CancelOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'unreachable'; readonly failure: Failure };

export type DownloadOutcome =
  | { readonly kind: 'downloaded'; readonly sizeBytes: number }
  | { readonly kind: 'failed'; readonly failure: Failure };
