import { showStars } from '../amounts.ts';
import { createRecent } from '../recent.ts';
import type { Command, CommandDeps } from './command.ts';

/** Unknown codes after which somebody is guessing. */
const MAX_GUESSES = 10;

/** /promo CODE: the stars of a code. */
export function createPromoCommand({ messenger, office }: CommandDeps): Command {
  const guesses = createRecent<number, number>();

  return {
    name: 'promo',
    description: 'common.commands.promo',
    async handle(ctx) {
      const { person, t } = ctx;
      const answer = (text: string) => messenger.send(person.id, { text });
      const code = typeof ctx.match === 'string' ? ctx.match.trim() : '';
      if (code === '') return void (await answer(t('support.promo.usage')));
      const guessed = guesses.get(person.id) ?? 0;
      if (guessed >= MAX_GUESSES) return void (await answer(t('support.promo.tooMany')));
      const outcome = await office.promo.redeem(code, person.id);
      if (outcome.kind === 'redeemed') {
        const values = { stars: showStars(outcome.stars), balance: showStars(outcome.balance) };
        return void (await answer(t('support.promo.redeemed', values)));
      }
      if (outcome.kind === 'unknown') guesses.set(person.id, guessed + 1);
      await answer(t(`support.promo.${outcome.kind}`));
    },
  };
}
