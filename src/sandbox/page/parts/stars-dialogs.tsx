import type { Message } from 'grammy/types';
import { useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import { showNumber } from '../format.ts';
import type { ChatFacts, Language } from '../wire.ts';
import { count, type Words } from '../words.ts';
import { Dialog } from './dialog.tsx';
import { Icon, StarIcon } from './icons.tsx';

interface StarsProps {
  readonly facts: ChatFacts;
  readonly words: Words;
  readonly language: Language;
  readonly act: Actions;
}

/** Confirms what an invoice asks for. */
export function PayDialog(props: StarsProps & { message: Message | undefined }) {
  const { message, facts, words, language, act } = props;
  const [isPaying, setPaying] = useState(false);
  const invoice = message?.invoice;
  if (message === undefined || invoice === undefined) return null;
  const { total_amount: price, title } = invoice;
  const close = () => act.show(null);
  return (
    <Dialog class="box sheet" label={words.confirmPurchase} close={close}>
      <StarsHead facts={facts} words={words} language={language} close={close} />
      <h2>{words.confirmPurchase}</h2>
      <p>{count(language, words.wantToBuy, price, { title, bot: facts.botName })}</p>
      <button
        type="button"
        class="main-button wide"
        disabled={isPaying}
        aria-busy={isPaying}
        onClick={() => {
          if (facts.purse < price) {
            return act.show({ kind: 'stars', missing: price - facts.purse });
          }
          setPaying(true);
          act.pay(message.message_id);
        }}
      >
        {words.payStars} <StarIcon size={18} /> {showNumber(price, language)}
      </button>
    </Dialog>
  );
}

const packages = [100, 250, 500, 1_000, 2_500, 10_000];

/** Fills the purse; here it costs nothing. */
export function StarsDialog(props: StarsProps & { missing: number | undefined }) {
  const { missing, facts, words, language, act } = props;
  const close = () => act.show(null);
  const title =
    missing === undefined ? words.getStars : count(language, words.starsNeeded, missing);
  return (
    <Dialog class="box sheet" label={title} close={close}>
      <StarsHead facts={facts} words={words} language={language} close={close} />
      <h2>{title}</h2>
      <p>{words.getStarsHow}</p>
      <div class="packages">
        {packages.map((size) => (
          <button
            type="button"
            key={size}
            class="package"
            aria-label={count(language, words.stars, size)}
            onClick={() => act.addStars(size)}
          >
            <StarIcon size={20} />
            <b>{showNumber(size, language)}</b>
          </button>
        ))}
      </div>
    </Dialog>
  );
}

function StarsHead({
  facts,
  words,
  language,
  close,
}: Omit<StarsProps, 'act'> & { close: () => void }) {
  return (
    <div class="stars-head">
      <button type="button" class="round" aria-label={words.close} onClick={close}>
        <Icon name="close" />
      </button>
      <span class="stars-sky" aria-hidden="true">
        <StarIcon size={84} />
        <i />
        <i />
        <i />
        <i />
        <i />
        <i />
      </span>
      <span class="stars-balance">
        {words.balance}
        <b>
          <StarIcon size={16} /> {showNumber(facts.purse, language)}
        </b>
      </span>
    </div>
  );
}
