import type { Stars } from '../../domain/stars.ts';
import { starsOfXtr } from '../../domain/xtr.ts';
import type { People } from '../../people/people.ts';
import type { Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import type { Messenger } from '../messenger.ts';
import { reversedScreen } from '../views/payments.ts';

/** Tells a person that Telegram took their payment back; the books have it whether or not this arrives. */
export async function tellReversed(
  deps: {
    readonly people: Pick<People, 'find'>;
    readonly messenger: Messenger;
    readonly translator: Translator;
    readonly log: Log;
  },
  payment: { readonly personId: number; readonly amountXtr: number },
  readBalance: () => Promise<Stars>,
): Promise<void> {
  try {
    const person = await deps.people.find(payment.personId);
    const t = deps.translator(person?.language ?? 'en');
    const amount = starsOfXtr(payment.amountXtr);
    const screen = reversedScreen(t, { amount, balance: await readBalance() });
    await deps.messenger.send(payment.personId, screen);
  } catch (error) {
    deps.log.error(describeError(error), 'A person could not be told of a payment taken back');
  }
}
