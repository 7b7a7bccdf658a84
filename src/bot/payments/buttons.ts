import { decodeTermsPress, TERMS_PREFIX, type TermsPress } from '../callback-data.ts';
import type { Command } from '../commands/command.ts';
import type { BotContext } from '../context.ts';
import { enterDialogue } from '../conversations/enter-dialogue.ts';
import type { OrderFlow } from '../conversations/order-flow.ts';
import type { Messenger } from '../messenger.ts';
import type { Checkout } from './checkout.ts';

type Button = NonNullable<Command['button']>;

/** "Not now" under an invoice. */
export function createInvoiceButton(deps: { readonly checkout: Checkout }): Button {
  return {
    prefix: 'invoice',
    async press({ person, t, answer, messageId }, value) {
      const cancelled = await deps.checkout.cancel(value, person.id, messageId);
      await answer(t(cancelled ? 'pay.invoiceCancelled' : 'pay.invoiceOver'));
      return true;
    },
  };
}

/** "Accept" under the terms; what the person was about to pay goes on by itself. */
export function createTermsButton(deps: {
  readonly checkout: Checkout;
  readonly flow: OrderFlow;
  readonly messenger: Messenger;
  readonly packs: readonly number[];
}): Button {
  const { checkout, messenger } = deps;

  return {
    prefix: TERMS_PREFIX,
    async press(ctx, value) {
      const pressed = decodeTermsPress(value);
      if (!pressed) return false;
      const { version, purchase } = pressed;
      const accepted = await checkout.acceptTerms(ctx.person.id, version);
      if (accepted) {
        ctx.person = { ...ctx.person, termsVersion: version };
        await ctx.answer(ctx.t('pay.termsAccepted'));
      }
      if (ctx.messageId) await messenger.strip(ctx.person.id, ctx.messageId);
      // Those of an older version are followed by the present ones.
      if (purchase.kind !== 'none') await goOn(ctx, purchase);
      else if (!accepted) await checkout.showTerms(ctx);
      return true;
    },
  };

  async function goOn(
    ctx: BotContext,
    purchase: Exclude<TermsPress['purchase'], { kind: 'none' }>,
  ): Promise<void> {
    if (purchase.kind === 'pack') {
      if (!deps.packs.includes(purchase.amountXtr)) return;
      return checkout.begin(ctx, purchase);
    }
    const { orderId, mode, price } = purchase;
    const stage = await deps.flow.press(ctx, { action: 'pay', orderId, mode, price });
    if (stage === 'asking') await enterDialogue(ctx, orderId);
  }
}
