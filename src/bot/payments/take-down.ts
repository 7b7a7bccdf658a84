import { type Api, GrammyError } from 'grammy';
import type { InvoiceMessage, Invoices } from '../../ledger/invoices.ts';
import type { People } from '../../people/people.ts';
import type { Translator } from '../i18n.ts';
import { isBadRequest, isUnreachable } from '../telegram-errors.ts';

export interface TakeDownDeps {
  readonly api: Pick<Api, 'deleteMessage' | 'sendMessage'>;
  readonly invoices: Pick<Invoices, 'takeDown' | 'messageGone'>;
  readonly people: Pick<People, 'find'>;
  readonly translator: Translator;
}

/** Messages looked at in one run. */
const BATCH = 50;

/**
 * Deletes the messages of invoices that are paid, cancelled or expired. One that Telegram does not delete any
 * more, after two days, is marked by an answer to it. Killed in between, the next run does it again.
 */
export async function takeDownInvoices(deps: TakeDownDeps): Promise<void> {
  for (const message of await deps.invoices.takeDown(BATCH)) {
    const { invoiceId, personId, messageId } = message;
    const isGone = await attempt(() => deps.api.deleteMessage(personId, messageId));
    if (!isGone) await attempt(() => mark(deps, message));
    await deps.invoices.messageGone(invoiceId);
  }
}

async function mark(
  { api, people, translator }: TakeDownDeps,
  { personId, messageId, state }: InvoiceMessage,
): Promise<unknown> {
  const person = await people.find(personId);
  const t = translator(person?.language ?? 'en');
  // Without the message it answers, it is not sent.
  const answering = { reply_parameters: { message_id: messageId } };
  return api.sendMessage(personId, t(`pay.closed.${state}`), answering);
}

/** False when the message is there and stays; a person who cannot be reached sees neither. */
async function attempt(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (!isBadRequest(error) && !isUnreachable(error)) throw error;
    return !(error instanceof GrammyError && /can't be deleted/i.test(error.description));
  }
}
