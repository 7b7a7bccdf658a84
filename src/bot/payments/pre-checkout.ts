import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from 'grammy';
import type { PreCheckoutQuery } from 'grammy/types';
import type { CheckoutAnswer, Invoices } from '../../ledger/invoices.ts';
import { languageOf, type People } from '../../people/people.ts';
import type { Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import { createRecent } from '../recent.ts';

export interface PreCheckoutDeps {
  readonly api: Pick<Api, 'answerPreCheckoutQuery'>;
  readonly invoices: Pick<Invoices, 'check' | 'cancel'>;
  readonly people: Pick<People, 'find'>;
  readonly translator: Translator;
  /** How long the books are waited for, in milliseconds. */
  readonly patienceMs: number;
  /** An invoice was found that should not stand in a chat any more. */
  readonly onDead: () => void;
  readonly log: Log;
}

/** Answers the question whether a payment may go through. */
export interface PreCheckout {
  /** Answers in the background, each question once; waits for nothing but one read of the books. */
  answer(query: PreCheckoutQuery): void;
  /** Waits for the answers that are on their way. */
  stop(): Promise<void>;
}

/** An invoice refused for one of these is never paid any more. */
const DEAD: readonly CheckoutAnswer[] = ['used', 'cancelled', 'withdrawn', 'expired'];

/** The words of a refusal are waited for this long; then those of the person's Telegram do. */
const LANGUAGE_PATIENCE_MS = 150;

/**
 * Telegram waits ten seconds for this answer, and the person with it: whatever keeps us from looking
 * into the books in time is a refusal, which costs nobody anything.
 */
export function createPreCheckout(deps: PreCheckoutDeps): PreCheckout {
  const { api, invoices, log } = deps;
  const seen = createRecent<string, true>();
  const running = new Set<Promise<void>>();

  async function within<T, L>(ms: number, work: Promise<T>, late: L): Promise<T | L> {
    const heard = work.catch((error: unknown) => {
      log.warn(describeError(error), 'The books could not be read for a pre-checkout');
      return late;
    });
    return Promise.race([heard, sleep(ms, late, { ref: false })]);
  }

  async function respond(query: PreCheckoutQuery): Promise<void> {
    const { id, from, currency } = query;
    const asked = {
      ...{ payload: query.invoice_payload, personId: from.id },
      ...{ amountXtr: query.total_amount, currency },
    };
    const answer = await within(deps.patienceMs, invoices.check(asked), 'away' as const);
    if (answer === 'ok') {
      await api.answerPreCheckoutQuery(id, true);
      return;
    }
    log.info({ answer }, 'A pre-checkout was refused');
    const known =
      answer === 'away'
        ? undefined
        : await within(LANGUAGE_PATIENCE_MS, deps.people.find(from.id), undefined);
    const t = deps.translator(known?.language ?? languageOf(from.language_code));
    await api.answerPreCheckoutQuery(id, false, { error_message: t(`pay.refused.${answer}`) });
    if (answer === 'away' || !DEAD.includes(answer)) return;
    await invoices.cancel(asked.payload, asked.personId);
    deps.onDead();
  }

  return {
    answer(query) {
      // While the inbox cannot be written, Telegram tells the same again and again.
      if (seen.get(query.id)) return;
      seen.set(query.id, true);
      const work = respond(query)
        .catch((error) => log.warn(describeError(error), 'A pre-checkout was not answered'))
        .finally(() => running.delete(work));
      running.add(work);
    },
    async stop() {
      await Promise.all(running);
    },
  };
}
