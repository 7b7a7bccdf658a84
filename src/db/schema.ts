import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  bigserial,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Canvas } from '../domain/canvas.ts';
import type { FailureKind } from '../domain/failure.ts';
import type { Gender } from '../domain/gender.ts';
import type { OrderMode } from '../domain/order-mode.ts';
import type { OrderState, PredictionState, StepState } from '../domain/order-state.ts';
import type { PhotoLook } from '../domain/photo-look.ts';
import type { RecordingRefusal } from '../domain/recording.ts';
import type { SkipReason } from '../domain/skip-reason.ts';
import type { Stars } from '../domain/stars.ts';
import { createdAt, moment, starsColumn } from './columns.ts';

/** Everybody who ever wrote to the bot. `id` is Telegram's user id, also the id of the private chat. */
export const people = pgTable(
  'people',
  {
    id: bigint('id', { mode: 'number' }).primaryKey(),
    firstName: text('first_name').notNull(),
    username: text('username'),
    language: text('language').$type<'en' | 'ru'>().notNull(),
    /** Null: never asked. */
    gender: text('gender').$type<Gender>(),
    /** Set when Telegram says that the person blocked the bot; results wait until it is null again. */
    blockedAt: moment('blocked_at'),
    /** Set while an operator keeps the person from ordering and paying; who did it is in the admin log. */
    bannedAt: moment('banned_at'),
    banReason: text('ban_reason'),
    /** The version of the terms that the person accepted last, and when. */
    termsVersion: text('terms_version'),
    termsAcceptedAt: moment('terms_accepted_at'),
    /** By whose link they came, told once, when they were first met. */
    invitedBy: bigint('invited_by', { mode: 'number' }).references((): AnyPgColumn => people.id),
    createdAt: createdAt(),
  },
  (table) => [
    index('people_username').on(sql`lower(${table.username})`),
    index('people_invited_by').on(table.invitedBy),
    check('people_invited_by_another', sql`${table.invitedBy} <> ${table.id}`),
  ],
);

/** A person's balance: always the sum of their entries, changed only in the statement that adds one. */
export const accounts = pgTable('accounts', {
  personId: bigint('person_id', { mode: 'number' })
    .primaryKey()
    .references(() => people.id),
  balance: starsColumn('balance').notNull().default(sql`0`),
});

/**
 * charge: a sale. refund: what returns a charge, or a part of it. top_up: money in, or given.
 * reversal: a payment that went back to Telegram; reinstatement: a reversal that never got there.
 */
export type EntryKind = 'charge' | 'refund' | 'top_up' | 'reversal' | 'reinstatement';

/** The ledger. Entries are only ever added; a trigger refuses UPDATE, DELETE and TRUNCATE. */
export const entries = pgTable(
  'ledger_entries',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    kind: text('kind').$type<EntryKind>().notNull(),
    /** Signed: charges and reversals are negative, all others positive. */
    amount: starsColumn('amount').notNull(),
    /** What the sale costs us; 0 for a top-up. Signed like the sale: a refund gives cost back. */
    cost: starsColumn('cost').notNull().default(sql`0`),
    idempotencyKey: text('idempotency_key').notNull().unique(),
    serviceType: text('service_type'),
    paymentMethod: text('payment_method')
      .$type<'Internal' | 'TelegramStars' | 'Admin' | 'Bonus'>()
      .notNull(),
    /** Of a refund: the charge it returns. */
    chargeId: bigint('charge_id', { mode: 'number' }).references((): AnyPgColumn => entries.id),
    /** Of a reversal: the top-up it takes back. Of a reinstatement: the reversal it undoes. */
    reversesId: bigint('reverses_id', { mode: 'number' }).references((): AnyPgColumn => entries.id),
    orderId: text('order_id'),
    reason: text('reason'),
    createdAt: createdAt(),
  },
  (table) => [
    index('ledger_entries_person').on(table.personId, table.id),
    index('ledger_entries_charge').on(table.chargeId),
    index('ledger_entries_order').on(table.orderId).where(sql`${table.orderId} is not null`),
    index('ledger_entries_created').using('brin', table.createdAt),
    uniqueIndex('ledger_entries_reinstated_once')
      .on(table.reversesId)
      .where(sql`${table.kind} = 'reinstatement'`),
    check(
      'ledger_entries_sign',
      sql`(${table.kind} in ('charge', 'reversal')) = (${table.amount} < 0)`,
    ),
    check(
      'ledger_entries_reverses',
      sql`(${table.kind} in ('reversal', 'reinstatement')) = (${table.reversesId} is not null)`,
    ),
    check(
      'ledger_entries_refund',
      sql`(${table.kind} = 'refund') = (${table.chargeId} is not null)`,
    ),
    check(
      'ledger_entries_service',
      sql`${table.kind} <> 'charge' or ${table.serviceType} is not null`,
    ),
  ],
);

/** A step as it was promised by a quote; photos by their position. */
export interface QuotedStep {
  readonly photos: readonly number[];
  readonly seconds: number;
  readonly price: Stars;
  readonly cost: Stars;
}

/** What a quote promised, kept with its order: later price changes do not touch it. */
export interface StoredQuote {
  /** Eight hex digits of what it was made of; older quotes have none. */
  readonly id?: string;
  readonly model: string;
  /** The steps of each mode that was offered. */
  readonly plans: Readonly<Partial<Record<OrderMode, readonly QuotedStep[]>>>;
}

/** One purchase of one service by one person, from draft to delivered. */
export const orders = pgTable(
  'orders',
  {
    /** Random and short: it travels in callback data. */
    id: text('id').primaryKey(),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    serviceType: text('service_type').notNull(),
    state: text('state').$type<OrderState>().notNull().default('draft'),
    /** What the person answered so far, by the fields of the service's questions. */
    answers: jsonb('answers').$type<Record<string, unknown>>().notNull().default({}),
    /** The chosen one of the quoted modes. */
    mode: text('mode').$type<OrderMode>(),
    /** What is rendered, as the service's input schema has it; known with the mode. */
    input: jsonb('input').$type<Record<string, unknown>>().notNull().default({}),
    quote: jsonb('quote').$type<StoredQuote>(),
    canvas: jsonb('canvas').$type<Canvas>(),
    price: starsColumn('price'),
    /** Whether a cancelled order with finished steps was offered as a shorter video, and the answer. */
    partial: text('partial').$type<'offered' | 'accepted' | 'declined'>(),
    /** Why the order failed as a whole. */
    failure: text('failure').$type<FailureKind | 'stitching' | 'delivery'>(),
    /** Tries of the present finish or delivery that failed for a reason that may pass. */
    retries: integer('retries').notNull().default(0),
    /** The message that counts the photos, then the one that shows progress; the bot's to use. */
    collectorMessageId: integer('collector_message_id'),
    progressMessageId: integer('progress_message_id'),
    progressText: text('progress_text'),
    /** The last update that began, answered, took back or cancelled: handled again after a crash, it changes nothing. */
    lastRequestId: bigint('last_request_id', { mode: 'number' }),
    createdAt: createdAt(),
    /** When it was last begun or gone on with: of a person's open orders, the last is the current one. */
    openedAt: moment('opened_at').notNull().defaultNow(),
    confirmedAt: moment('confirmed_at'),
    /** When the state became delivered, cancelled or failed. */
    endedAt: moment('ended_at'),
    /** When everything of this order was deleted from storage, and what its person sent and wrote from its rows. */
    purgedAt: moment('purged_at'),
  },
  (table) => [
    index('orders_person').on(table.personId, table.createdAt),
    index('orders_state').on(table.state),
    // What a step of a model takes is measured on its newest orders.
    index('orders_measured')
      .on(sql`(${table.quote} ->> 'model')`, table.confirmedAt)
      .where(sql`${table.confirmedAt} is not null`),
  ],
);

/** Everything a person sent for an order, in the order of (message, position in its archive). */
export const photos = pgTable(
  'photos',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    /**
     * pending: still to be downloaded; ready: a photo of the order; skipped: named with its reason;
     * archive: a ZIP whose pictures became rows of their own; removed: taken back by the person.
     */
    state: text('state').$type<'pending' | 'ready' | 'skipped' | 'archive' | 'removed'>().notNull(),
    messageId: integer('message_id').notNull(),
    /** Position inside a ZIP, in natural order of names; 0 for a file of its own. */
    position: integer('position').notNull().default(0),
    fileId: text('file_id').notNull(),
    /** Telegram's, or for a picture of a ZIP the archive's with its position; gone with the order's files. */
    fileUniqueId: text('file_unique_id').notNull(),
    /** As the sender named it; shown back to them, never used as a path. */
    name: text('name'),
    skipReason: text('skip_reason').$type<SkipReason>(),
    width: integer('width'),
    height: integer('height'),
    /** The file as it came, and brought to the canvas of the order. */
    originalKey: text('original_key'),
    canvasKey: text('canvas_key'),
    /** What was seen when it was brought to its canvas; deleted with the photo. */
    look: jsonb('look').$type<PhotoLook>(),
    createdAt: createdAt(),
  },
  (table) => [
    unique('photos_once').on(table.orderId, table.fileUniqueId),
    index('photos_order').on(table.orderId, table.messageId, table.position),
  ],
);

/** The voice, audio or video that an order is about; sent again, the last one counts. */
export const recordings = pgTable(
  'recordings',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    /** pending: still to be downloaded; refused: named with its reason; replaced: another one counts. */
    state: text('state').$type<'pending' | 'ready' | 'refused' | 'replaced'>().notNull(),
    messageId: integer('message_id').notNull(),
    fileId: text('file_id').notNull(),
    fileUniqueId: text('file_unique_id').notNull(),
    name: text('name'),
    /** Its length as it was measured, in whole seconds, rounded up. */
    seconds: integer('seconds'),
    refusal: text('refusal').$type<RecordingRefusal>(),
    /** The file that models read. */
    inputKey: text('input_key'),
    createdAt: createdAt(),
  },
  (table) => [
    unique('recordings_once').on(table.orderId, table.messageId),
    uniqueIndex('recordings_one_counts')
      .on(table.orderId)
      .where(sql`${table.state} in ('pending', 'ready')`),
  ],
);

/** A trained model of a person's own. */
export const avatars = pgTable(
  'avatars',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    /** The training it came from. */
    orderId: text('order_id')
      .notNull()
      .unique()
      .references(() => orders.id),
    name: text('name').notNull(),
    gender: text('gender').$type<Gender>().notNull(),
    triggerWord: text('trigger_word').notNull(),
    provider: text('provider').notNull(),
    /** `owner/name:version` of the private model. */
    model: text('model').notNull(),
    createdAt: createdAt(),
    /** When its owner deleted it; the provider is asked until it has. */
    deletedAt: moment('deleted_at'),
    forgottenAt: moment('forgotten_at'),
  },
  (table) => [index('avatars_person').on(table.personId, table.id)],
);

/** A free preview of an order that is not paid yet: the first transitions, small, by the local engine. */
export const previews = pgTable(
  'previews',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    /** waiting: to be rendered and sent; dropped: its order or its person went away before. */
    state: text('state')
      .$type<'waiting' | 'sent' | 'failed' | 'dropped'>()
      .notNull()
      .default('waiting'),
    /** The photos it shows, in their order. */
    photoIds: jsonb('photo_ids').$type<number[]>().notNull(),
    tries: smallint('tries').notNull().default(0),
    fileId: text('file_id'),
    createdAt: createdAt(),
    endedAt: moment('ended_at'),
  },
  (table) => [
    uniqueIndex('previews_one_at_a_time').on(table.personId).where(sql`${table.state} = 'waiting'`),
    index('previews_person').on(table.personId, table.createdAt),
    index('previews_order').on(table.orderId),
  ],
);

/** The unit of rendering, of retry and of refund; in a morph, one transition. */
export const steps = pgTable(
  'steps',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    position: smallint('position').notNull(),
    state: text('state').$type<StepState>().notNull().default('waiting'),
    /** Its turn among everybody's steps: lower goes first (start-time fair queueing, see fair-rank). */
    rank: integer('rank').notNull(),
    price: starsColumn('price').notNull(),
    cost: starsColumn('cost').notNull(),
    /** The photos it is made from. */
    photoIds: jsonb('photo_ids').$type<readonly number[]>().notNull().default([]),
    /** Why it failed for good. */
    failure: text('failure').$type<FailureKind>(),
    /** The file of its output in storage. */
    outputKey: text('output_key'),
    /** What the output was found to be when it was checked; of a trained model, the model itself. */
    outputInfo: jsonb('output_info').$type<unknown>(),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
  },
  (table) => [
    unique('steps_position').on(table.orderId, table.position),
    index('steps_waiting').on(table.rank).where(sql`${table.state} = 'waiting'`),
    index('steps_busy').on(table.orderId).where(sql`${table.state} in ('waiting', 'rendering')`),
  ],
);

/** One paid attempt at a step by a provider; the row is there before the provider is asked. */
export const predictions = pgTable(
  'predictions',
  {
    id: uuid('id').primaryKey(),
    stepId: bigint('step_id', { mode: 'number' })
      .notNull()
      .references(() => steps.id),
    attempt: smallint('attempt').notNull(),
    provider: text('provider').notNull(),
    kind: text('kind').$type<'prediction' | 'training'>().notNull().default('prediction'),
    model: text('model').notNull(),
    state: text('state').$type<PredictionState>().notNull().default('creating'),
    externalId: text('external_id').unique(),
    /** The request as it was (to be) sent; once its order is purged, the names of its fields alone. */
    input: jsonb('input')
      .$type<Readonly<Record<string, string | number | boolean | readonly string[]>>>()
      .notNull(),
    /** By it a prediction whose answer was lost is looked up. */
    fingerprint: text('fingerprint').notNull(),
    failure: text('failure').$type<FailureKind>(),
    createdAt: createdAt(),
    /** When its id became known; the attempt's time runs from here. */
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
  },
  (table) => [
    unique('predictions_attempt').on(table.stepId, table.attempt),
    index('predictions_measured')
      .on(table.model, table.endedAt)
      .where(sql`${table.state} = 'succeeded'`),
  ],
);

/** What was sent of an order's result. A row that is `sent` is never sent again. */
export const deliveries = pgTable(
  'deliveries',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    orderId: text('order_id')
      .notNull()
      .references(() => orders.id),
    /** `preview` plays in the chat, `document` is the original (in numbered parts when too big), `notice` the closing words. */
    kind: text('kind').$type<'preview' | 'document' | 'notice'>().notNull(),
    part: smallint('part').notNull().default(1),
    messageId: integer('message_id').notNull(),
    fileId: text('file_id'),
    createdAt: createdAt(),
  },
  (table) => [unique('deliveries_once').on(table.orderId, table.kind, table.part)],
);

/** Telegram's updates, stored before their offset is confirmed; emptied of content once handled. */
export const updates = pgTable(
  'updates',
  {
    id: bigint('id', { mode: 'number' }).primaryKey(),
    payload: jsonb('payload').$type<unknown>(),
    attempts: smallint('attempts').notNull().default(0),
    handledAt: moment('handled_at'),
    createdAt: createdAt(),
  },
  (table) => [index('updates_open').on(table.id).where(sql`${table.handledAt} is null`)],
);

/** Where each chat stands in its conversation; the bot framework's own record, forgotten a day after its last change. */
export const conversations = pgTable('conversations', {
  key: text('key').primaryKey(),
  state: jsonb('state').$type<unknown>().notNull(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
});
