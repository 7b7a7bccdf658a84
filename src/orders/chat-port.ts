import type { FailureKind } from '../domain/failure.ts';
import type { Gender } from '../domain/gender.ts';
import type { Stars } from '../domain/stars.ts';

/** Something worth telling the operator at once. */
export type Alarm =
  | { readonly kind: 'out_of_credit' }
  | { readonly kind: 'provider_unauthorized' }
  | { readonly kind: 'disk_full' }
  /** A model's live schema lacks fields that we send: it is not offered. */
  | { readonly kind: 'model_drifted'; readonly model: string; readonly fields: readonly string[] }
  | { readonly kind: 'order_failed'; readonly orderId: string; readonly failure: string };

/** What is to be said of any result. */
export interface ResultAbout {
  readonly orderId: string;
  readonly personId: number;
  readonly serviceType: string;
  /** How many of the order's steps are in it; of a morph, transitions. */
  readonly transitions: number;
  /** Transitions (counted from 1) that the local engine rendered in place of the model. */
  readonly replaced: readonly number[];
  /** Steps that are not in it. */
  readonly missing: number;
  readonly refunded: Stars;
  readonly partial: boolean;
}

/** A finished video on this machine's disk, ready to be sent. */
export interface ResultVideo extends ResultAbout {
  readonly kind: 'video';
  /** The untouched original. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number;
  readonly thumbnailPath: string;
  /** What plays in the chat: the original, or a smaller copy where that is over the upload limit. */
  readonly preview: { readonly path: string; readonly width: number; readonly height: number };
  /** The document: the original alone, or numbered parts of whole clips, each within the limit. */
  readonly documents: readonly string[];
}

/** Pictures, each to be looked at and as its untouched file. */
export interface ResultImages extends ResultAbout {
  readonly kind: 'images';
  readonly images: readonly {
    /** A JPEG that a chat takes. */
    readonly shown: string;
    readonly original: string;
    readonly extension: 'jpg' | 'png' | 'webp';
  }[];
}

/** Words. */
export interface ResultText extends ResultAbout {
  readonly kind: 'text';
  /** One message each; none when there are too many for a chat. */
  readonly messages: readonly string[];
  /** The whole as a file, where it is long. */
  readonly path: string | null;
  /** The language it is in, as BCP 47 has it; null when nobody can tell. */
  readonly language: string | null;
}

/** Speech as a voice message, and as an MP3. */
export interface ResultSpeech extends ResultAbout {
  readonly kind: 'speech';
  readonly voicePath: string;
  readonly mp3Path: string;
  readonly durationSeconds: number;
}

/** A trained avatar, which is a message alone. */
export interface ResultAvatar extends ResultAbout {
  readonly kind: 'avatar';
  readonly avatar: { readonly id: number; readonly name: string; readonly gender: Gender };
}

/** What an order became. */
export type Result = ResultVideo | ResultImages | ResultText | ResultSpeech | ResultAvatar;

/** A free preview on this machine's disk, ready to be sent. */
export interface FreePreview {
  readonly orderId: string;
  readonly personId: number;
  readonly path: string;
  readonly thumbnailPath: string;
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number;
  readonly transitions: number;
}

/** What was sent: enough to show it again without uploading. */
export interface SentMessage {
  readonly messageId: number;
  readonly fileId: string | null;
}

export type SendOutcome =
  | { readonly kind: 'sent'; readonly message: SentMessage }
  /** The person blocked the bot: the result waits for their return. */
  | { readonly kind: 'blocked' }
  /** Telegram is away or asks to wait; worth trying again. */
  | { readonly kind: 'later'; readonly retryAfterMs: number }
  /** Telegram will never take this. */
  | { readonly kind: 'refused' };

export type FetchFileOutcome =
  | { readonly kind: 'fetched'; readonly sizeBytes: number }
  | { readonly kind: 'too_big' }
  /** The network, Telegram or the disk; worth trying again. */
  | { readonly kind: 'later'; readonly retryAfterMs: number }
  | { readonly kind: 'gone' };

/** How an order that gives nothing ended, for the closing words. */
export interface ClosingNotice {
  readonly orderId: string;
  readonly personId: number;
  readonly serviceType: string;
  readonly kind: 'failed';
  readonly failure: FailureKind | 'stitching' | 'delivery';
  readonly refunded: Stars;
}

/**
 * The chat, as the orders see it. The bot implements it; orders never import the bot.
 * Nothing here throws for what Telegram or a person may do.
 */
export interface ChatPort {
  /** Downloads a file a person sent to `path`, whole or not at all. */
  fetchFile(fileId: string, path: string, signal: AbortSignal): Promise<FetchFileOutcome>;
  /** The photos or skips of this open order changed: refresh its counter, at most every 2 s. */
  intakeChanged(orderId: string): void;
  /** The state of this active order changed: refresh its progress message, at most every 3 s. */
  progressChanged(orderId: string): void;
  /** What is seen, heard or read in the chat itself: the `part`-th of it, counted from 1. */
  sendPreview(result: Result, part: number, signal: AbortSignal): Promise<SendOutcome>;
  /** A file to keep. */
  sendDocument(result: Result, part: number, signal: AbortSignal): Promise<SendOutcome>;
  /** The last words of a delivered order: what was replaced, how many stars came back, what next. */
  sendClosing(result: Result, signal: AbortSignal): Promise<SendOutcome>;
  sendNotice(notice: ClosingNotice, signal: AbortSignal): Promise<SendOutcome>;
  /** The word that marks a free preview's frames, in the person's language. */
  freePreviewMark(personId: number): Promise<string>;
  sendFreePreview(preview: FreePreview, signal: AbortSignal): Promise<SendOutcome>;
  /** Says that the free preview could not be made, and that the order is not touched by it. */
  sendPreviewFailed(
    about: { readonly orderId: string; readonly personId: number },
    signal: AbortSignal,
  ): Promise<SendOutcome>;
  /** Tells all admins; repeated alarms of one kind are told at most once an hour. */
  alarm(alarm: Alarm): Promise<void>;
}
