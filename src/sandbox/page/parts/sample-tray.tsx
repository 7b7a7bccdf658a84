import { useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import type { PageState } from '../state.ts';
import type { Persona } from '../wire.ts';
import { count, fill, type Words } from '../words.ts';
import { Icon } from './icons.tsx';

/** Photos for those who have none at hand, chosen in the order they are pressed. */
export function SampleTray(props: {
  state: PageState;
  words: Words;
  person: Persona;
  act: Actions;
}) {
  const { state, words, person, act } = props;
  const [chosen, setChosen] = useState<readonly string[]>([]);
  if (state.samples.length === 0) return null;
  const toggle = (name: string) =>
    setChosen(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return (
    <section class="samples" aria-label={words.attachSamples}>
      <div class="samples-head">
        <span>{words.trySamples}</span>
        {chosen.length === 0 ? (
          <button type="button" class="link" onClick={() => setChosen(state.samples)}>
            {words.chooseAll}
          </button>
        ) : (
          <button
            type="button"
            class="small-button"
            onClick={() => {
              act.sendSamples(chosen);
              setChosen([]);
            }}
          >
            {count(person.language, words.sendChosen, chosen.length)}
          </button>
        )}
        <button
          type="button"
          class="round small"
          aria-label={words.hideSamples}
          onClick={() => act.set({ areSamplesOpen: false })}
        >
          <Icon name="close" size={18} />
        </button>
      </div>
      <div class="samples-row">
        {state.samples.map((name, index) => {
          const place = chosen.indexOf(name);
          return (
            <button
              type="button"
              key={name}
              class="sample"
              aria-pressed={place >= 0}
              aria-label={fill(words.sample, { number: index + 1 })}
              onClick={() => toggle(name)}
            >
              <img src={`/samples/${name}`} alt="" loading="lazy" />
              {place >= 0 && <span class="badge">{place + 1}</span>}
            </button>
          );
        })}
      </div>
    </section>
  );
}
