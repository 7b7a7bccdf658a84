import type { Actions } from '../actions.ts';
import { showTime } from '../format.ts';
import { type Chat, countUnread, type PageState } from '../state.ts';
import type { Language, Persona } from '../wire.ts';
import { fill, WORDS, type Words } from '../words.ts';

/** The people whose place one can take, in the manner of a list of chats. */
export function PeopleList({
  state,
  act,
  language,
}: {
  state: PageState;
  act: Actions;
  language: Language;
}) {
  const words = WORDS[language];
  return (
    <nav class={state.isPeopleOpen ? 'people open' : 'people'} aria-label={words.people}>
      <div class="people-head">
        <img src="/icon.svg" alt="" width="34" height="34" />
        <div>
          <b>{words.title}</b>
          <small>{words.whoAmI}</small>
        </div>
      </div>
      <ul>
        {state.people.map((person) => (
          <li key={person.id}>
            <PersonRow person={person} state={state} act={act} words={words} language={language} />
          </li>
        ))}
      </ul>
      <p class="about">{words.aboutText}</p>
    </nav>
  );
}

function PersonRow(props: {
  person: Persona;
  state: PageState;
  act: Actions;
  words: Words;
  language: Language;
}) {
  const { person, state, act, words, language } = props;
  const chat = state.chats[person.id];
  const last = chat?.messages.at(-1);
  const isChosen = person.id === state.personId;
  const unread = isChosen ? 0 : countUnread(state, person.id);
  return (
    <button
      type="button"
      class="person"
      aria-current={isChosen}
      onClick={() => act.choosePerson(person.id)}
    >
      <PersonAvatar person={person} />
      <span class="person-facts">
        <span class="person-top">
          <b>{person.firstName}</b>
          <span class="tag">{person.language}</span>
          {person.isAdmin && <span class="tag">{words.admin}</span>}
          {last !== undefined && <time>{showTime(last.date, language)}</time>}
        </span>
        <span class="person-bottom">
          <span class="last">{chat === undefined ? '' : describeLast(chat, words)}</span>
          {unread > 0 && <span class="badge">{unread}</span>}
        </span>
        <span class="person-id">{fill(words.yourId, { id: person.id })}</span>
      </span>
    </button>
  );
}

const shades = ['#e17076', '#65aadd', '#a695e7', '#7bc862', '#ee7aae'];

export function PersonAvatar({ person }: { person: Persona }) {
  const shade = shades[person.id % shades.length];
  return (
    <span class="avatar letter" style={{ '--shade': shade }} aria-hidden="true">
      {[...person.firstName][0]}
    </span>
  );
}

function describeLast({ messages }: Chat, words: Words): string {
  const last = messages.at(-1);
  if (last === undefined) return words.nothingYet;
  const own = last.from?.is_bot === false ? `${words.you}: ` : '';
  const text = last.text ?? last.caption;
  const kind =
    last.photo !== undefined
      ? words.photo
      : last.video !== undefined
        ? words.video
        : last.animation !== undefined
          ? words.gif
          : last.document !== undefined
            ? (last.document.file_name ?? words.file)
            : last.invoice !== undefined
              ? last.invoice.title
              : '';
  return own + (text ?? kind).replaceAll(/\s+/g, ' ').slice(0, 120);
}
