import type { Queryable } from '../db/database.ts';
import type { OrderMode } from '../domain/order-mode.ts';
import type { Catalogue } from '../services/catalogue.ts';
import { gatherFacts } from './answers.ts';
import type { OrderRow } from './rows.ts';

/**
 * What a quoted order is rendered from, as its service's input has it; undefined when something that it was
 * quoted with is gone meanwhile: an avatar, an answer, or the model.
 */
export async function readQuotedInput(
  { terms, require }: Pick<Catalogue, 'terms' | 'require'>,
  db: Queryable,
  order: OrderRow,
  mode: OrderMode,
): Promise<Record<string, unknown> | undefined> {
  if (!order.quote || !terms.isOffered(order.quote.model)) return undefined;
  const service = require(order.serviceType);
  const { values, open } = await gatherFacts(db, order, service);
  // The photos were counted by the quote, and no quote outlives a change of them.
  if (open.some(({ kind }) => kind !== 'photos')) return undefined;
  const input = service.input.safeParse({ ...values, mode });
  if (!input.success || service.model(input.data, terms) === undefined) return undefined;
  return asRecord(input.data);
}

function asRecord(input: unknown): Record<string, unknown> {
  return typeof input === 'object' && input !== null ? { ...input } : {};
}
