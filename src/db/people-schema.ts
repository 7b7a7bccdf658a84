import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from 'drizzle-orm/pg-core';
import { createdAt, moment, starsColumn } from './columns.ts';
import { people } from './schema.ts';

/** Codes that give stars, each to a person once. */
export const promoCodes = pgTable(
  'promo_codes',
  {
    /** In capital letters. */
    code: text('code').primaryKey(),
    stars: starsColumn('stars').notNull(),
    /** How many people may use it, and how many did. */
    uses: integer('uses').notNull(),
    used: integer('used').notNull().default(0),
    expiresAt: moment('expires_at').notNull(),
    createdBy: bigint('created_by', { mode: 'number' }).notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    check('promo_codes_stars', sql`${table.stars} > 0`),
    check('promo_codes_used', sql`${table.used} between 0 and ${table.uses}`),
  ],
);

export const promoUses = pgTable(
  'promo_uses',
  {
    code: text('code')
      .notNull()
      .references(() => promoCodes.code),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    createdAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.code, table.personId] })],
);

/** What a person asked the operators, and what became of it. */
export const tickets = pgTable(
  'tickets',
  {
    /** Short enough to be typed. */
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    /** open: waits for an operator; answered: for the person, if they want to say more. */
    state: text('state').$type<'open' | 'answered' | 'closed'>().notNull().default('open'),
    createdAt: createdAt(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('tickets_person').on(table.personId, table.id),
    index('tickets_open').on(table.updatedAt).where(sql`${table.state} = 'open'`),
  ],
);

export const ticketMessages = pgTable(
  'ticket_messages',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    ticketId: bigint('ticket_id', { mode: 'number' })
      .notNull()
      .references(() => tickets.id),
    /** Null: the person whose ticket it is. */
    adminId: bigint('admin_id', { mode: 'number' }),
    text: text('text').notNull(),
    /** The Telegram message it came in: handled again after a crash, it is not written twice. */
    key: text('key').notNull().unique(),
    createdAt: createdAt(),
  },
  (table) => [index('ticket_messages_ticket').on(table.ticketId, table.id)],
);

/** What operators did. Rows are only ever added (a trigger). */
export const adminLog = pgTable(
  'admin_log',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    adminId: bigint('admin_id', { mode: 'number' }).notNull(),
    command: text('command').notNull(),
    /** The person it was about. */
    aboutId: bigint('about_id', { mode: 'number' }),
    why: text('why'),
    /** Whatever else makes it understood: amounts, ids, the outcome. */
    details: jsonb('details').$type<Readonly<Record<string, string | number | boolean | null>>>(),
    createdAt: createdAt(),
  },
  (table) => [index('admin_log_about').on(table.aboutId, table.id)],
);

/** Switches that operators turn from their chat; a row that is not there is off. */
export const settings = pgTable('settings', {
  key: text('key').$type<'sales_paused'>().primaryKey(),
  changedBy: bigint('changed_by', { mode: 'number' }).notNull(),
  why: text('why'),
  changedAt: moment('changed_at').notNull().defaultNow(),
});
