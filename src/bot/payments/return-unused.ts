import { starsOfXtr } from '../../domain/xtr.ts';
import { showStars } from '../amounts.ts';
import type { Command } from '../commands/command.ts';
import type { BotContext } from '../context.ts';
import type { Messenger } from '../messenger.ts';
import { returnScreen, totalXtr } from '../views/payments.ts';
import type { StarBooks } from './books.ts';

/** "Return what I have not used": asks which payments, then puts them on their way back. */
export function createReturnButton(deps: {
  readonly books: Pick<StarBooks, 'refunds'>;
  readonly messenger: Messenger;
  readonly refundDays: number;
  /** Refunds wait to be sent. */
  readonly onRequested: () => void;
}): NonNullable<Command['button']> {
  const { messenger, refundDays } = deps;
  const { refunds } = deps.books;

  const find = async (personId: number) =>
    refundDays > 0 ? refunds.unused(personId, refundDays) : [];

  async function ask({ person, t }: BotContext, messageId?: number): Promise<void> {
    const screen = returnScreen(t, person.language, await find(person.id), refundDays);
    await messenger.put(person.id, messageId, screen);
  }

  /** Gives back what was shown, and nothing else. */
  async function give(ctx: BotContext, shownXtr: number): Promise<void> {
    const { person, t, messageId } = ctx;
    const unused = await find(person.id);
    if (unused.length === 0) {
      await messenger.put(person.id, messageId, { text: t('pay.returnOver') });
      return;
    }
    if (totalXtr(unused) !== shownXtr) return ask(ctx, messageId);
    const by = { kind: 'person', personId: person.id } as const;
    const requested: { amountXtr: number }[] = [];
    for (const { chargeId, amountXtr } of unused) {
      const { kind } = await refunds.request({ chargeId, by, refundDays });
      if (kind === 'requested') requested.push({ amountXtr });
    }
    deps.onRequested();
    const total = totalXtr(requested);
    if (total === 0) return ask(ctx, messageId);
    const text = t('pay.returning', { stars: showStars(starsOfXtr(total)) });
    await messenger.put(person.id, messageId, { text });
  }

  return {
    prefix: 'return',
    async press(ctx, value) {
      const shown = /^yes:([1-9]\d{0,9})$/.exec(value)?.[1];
      if (value !== 'ask' && value !== 'no' && shown === undefined) return false;
      await ctx.answer();
      if (value === 'ask') await ask(ctx);
      else if (shown !== undefined) await give(ctx, Number(shown));
      else await messenger.put(ctx.person.id, ctx.messageId, { text: ctx.t('pay.returnKept') });
      return true;
    },
  };
}
