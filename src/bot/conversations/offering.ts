import type { PhotoWarning } from '../../domain/photo-look.ts';
import type { ChooseOutcome, OrderView, QuoteOutcome } from '../../orders/orders.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import type { Talk } from '../context.ts';
import type { Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { createRecent } from '../recent.ts';
import { sendPictures } from '../send-pictures.ts';
import { confirmScreen, noQuoteText, quoteScreen, shortScreen } from '../views/quote.ts';
import { offerScreen, orderLine } from '../views/service.ts';
import { type OrderFlowDeps, overKey, type Stage } from './stage.ts';

type NotQuoted = Exclude<QuoteOutcome, { kind: 'quoted' }>;

/** A mode that was chosen: it can be confirmed, or stars are missing for it. */
export type Chosen = Exclude<ChooseOutcome, { kind: 'closed' }>;

/** How an offer is shown. */
export interface OfferPlace {
  readonly inMessage?: number | undefined;
  /** Whether the photos are shown with it; they are by default. */
  readonly sheets?: boolean;
}

/** What an order costs, shown in the chat. */
export interface Offering {
  /** Makes the quote and shows it; `incomplete`: something is still to be asked. */
  quote(talk: Talk, orderId: string, place?: OfferPlace): Promise<Stage | 'incomplete'>;
  /** Says why there is no offer, and what to do next. */
  notQuoted(talk: Talk, orderId: string, outcome: NotQuoted): Promise<Stage | 'incomplete'>;
  /** The chosen way, to be confirmed; or what is missing for it. */
  offerChosen(
    talk: Talk,
    orderId: string,
    chosen: Chosen,
    about?: {
      readonly inMessage?: number | undefined;
      readonly warnings?: readonly PhotoWarning[];
    },
  ): Promise<Stage>;
  offer(talk: Talk, orderId: string, screen: Screen, messageId?: number): Promise<Stage>;
}

export function createOffering(deps: OrderFlowDeps): Offering {
  const { api, messenger, collector, questions, checkout } = deps;
  /** The contact sheets last shown for an order whose photos have no order of their own. */
  const seenSheets = createRecent<string, string>();

  /** Makes the quote and shows it under its contact sheets, or without them where they have been seen. */
  async function quote(
    talk: Talk,
    orderId: string,
    { inMessage, sheets = true }: OfferPlace = {},
  ): Promise<Stage | 'incomplete'> {
    const { person, t } = talk;
    if (sheets) await collector.rest({ id: orderId, personId: person.id });
    await checkout.withdraw(orderId);
    const outcome = await messenger
      .during(person.id, 'typing', async () => {
        const made = await deps.orders().quote(orderId, person.id);
        if (made.kind !== 'quoted' || !sheets) return made;
        return { ...made, sheets: await showSheets(talk, orderId, made) };
      })
      .catch(async (error: unknown) => {
        // Whoever is told to try again needs the button for it.
        talk.allowDone?.();
        await collector.refresh({ id: orderId }).catch(() => undefined);
        throw error;
      });
    if (outcome.kind !== 'quoted') return notQuoted(talk, orderId, outcome);
    const [only, ...others] = outcome.options;
    if (only && others.length === 0) {
      const chosen = await deps.orders().choose(orderId, person.id, { mode: only.mode });
      if (chosen.kind === 'closed') return notQuoted(talk, orderId, chosen);
      const { warnings } = outcome;
      // Below the sheets that it tells of.
      const place = sheets && outcome.sheets.length > 0 ? undefined : inMessage;
      return offerChosen(talk, orderId, chosen, { inMessage: place, warnings });
    }
    const { skipped = [] } = (await deps.orders().intake(orderId)) ?? {};
    return offer(talk, orderId, quoteScreen(t, orderId, outcome, skipped), inMessage);
  }

  /**
   * Shows the photos with their numbers, and returns what was shown. Where their order is not to be looked at
   * anew, they are shown once: going back to another answer does not change them.
   */
  async function showSheets(
    { person, t }: Talk,
    orderId: string,
    { sheets, options }: Extract<QuoteOutcome, { kind: 'quoted' }>,
  ): Promise<readonly string[]> {
    const isOrdered = options.length > 1;
    const seen = sheets.join();
    if (!isOrdered && seenSheets.get(orderId) === seen) return [];
    await sendPictures(api, person.id, sheets, t(isOrdered ? 'morph.sheet' : 'order.any.sheet'));
    seenSheets.set(orderId, seen);
    return sheets;
  }

  /** Says why there is no offer, and what to do next. */
  async function notQuoted(
    talk: Talk,
    orderId: string,
    outcome: NotQuoted,
  ): Promise<Stage | 'incomplete'> {
    const { person, t } = talk;
    switch (outcome.kind) {
      case 'incomplete':
        return 'incomplete';
      case 'closed': {
        const order = await deps.orders().find(orderId, person.id);
        // Somebody who cancelled meanwhile has been told.
        if (order?.state === 'cancelled') return 'over';
        const text = t(order ? overKey(order) : 'morph.closed.unknown');
        await messenger.send(person.id, { text });
        return 'over';
      }
      default:
        talk.allowDone?.();
        await messenger.send(person.id, { text: noQuoteText(t, outcome) });
        await collector.renew({ id: orderId });
        return 'asking';
    }
  }

  /** The chosen way, to be confirmed; or what is missing for it. */
  async function offerChosen(
    talk: Talk,
    orderId: string,
    chosen: Chosen,
    about: {
      readonly inMessage?: number | undefined;
      readonly warnings?: readonly PhotoWarning[];
    } = {},
  ): Promise<Stage> {
    const { t, person } = talk;
    const order = await deps.orders().find(orderId, person.id);
    if (!order) return 'over';
    const screen = chosenScreen(deps.catalogue, t, order, chosen, about.warnings ?? []);
    return offer(talk, orderId, screen, about.inMessage);
  }

  async function offer(
    { person }: Talk,
    orderId: string,
    screen: Screen,
    messageId?: number,
  ): Promise<Stage> {
    await questions.ask(person.id, { orderId, question: 'offer' }, screen, messageId);
    return 'asking';
  }

  return { quote, notQuoted, offerChosen, offer };
}

function chosenScreen(
  catalogue: Catalogue,
  t: Translate,
  order: OrderView,
  chosen: Chosen,
  warnings: readonly PhotoWarning[],
): Screen {
  const { option, balance } = chosen;
  const { mode, price } = option;
  if (chosen.kind === 'short') {
    const { missing } = chosen;
    return shortScreen(t, order.id, { mode, price, balance, missing });
  }
  const service = catalogue.require(order.serviceType);
  if (service.modes) return confirmScreen(t, order.id, chosen);
  return offerScreen(t, order, orderLine(t, catalogue, service, order), chosen, warnings);
}
