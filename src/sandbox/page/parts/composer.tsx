import type { BotCommand } from 'grammy/types';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import type { Chat, PageState } from '../state.ts';
import type { Persona } from '../wire.ts';
import { WORDS } from '../words.ts';
import { AttachMenu } from './attach-menu.tsx';
import { CommandList } from './command-list.tsx';
import { Icon } from './icons.tsx';
import { ReplyKeyboard } from './reply-keyboard.tsx';
import { SampleTray } from './sample-tray.tsx';

export interface ComposerProps {
  readonly person: Persona;
  readonly chat: Chat;
  readonly state: PageState;
  readonly act: Actions;
}

/** Where one writes; a chat that has not begun, or is blocked, has one large button instead. */
export function Composer({ person, chat, state, act }: ComposerProps) {
  const words = WORDS[person.language];
  const { facts, messages } = chat;
  const hasBegun = messages.length > 0 || state.sending.some((one) => one.personId === person.id);
  if (facts.isBlocked) {
    return (
      <BigButton
        label={words.restart}
        hint={words.blockedHint}
        press={() => act.changeChat('unblock')}
      />
    );
  }
  if (!hasBegun) {
    return <BigButton label={words.start} press={() => act.sendText('/start')} />;
  }
  return <Writer person={person} chat={chat} state={state} act={act} />;
}

function BigButton(props: { label: string; hint?: string; press: () => void }) {
  return (
    <footer class="composer">
      <div class="column">
        {props.hint !== undefined && <p class="composer-hint">{props.hint}</p>}
        <button type="button" class="big" onClick={props.press}>
          {props.label}
        </button>
      </div>
    </footer>
  );
}

/** A text grows up to this many pixels, then it scrolls. */
const maxRowsHeight = 200;

function Writer({ person, chat, state, act }: ComposerProps) {
  const words = WORDS[person.language];
  const { commands, keyboard } = chat.facts;
  const text = state.drafts[person.id] ?? '';
  const field = useRef<HTMLTextAreaElement>(null);
  const [areCommandsOpen, setCommandsOpen] = useState(false);
  const [isKeyboardOpen, setKeyboardOpen] = useState(true);
  const [chosen, setChosen] = useState(0);

  useEffect(() => {
    if (field.current === null) return;
    field.current.style.height = 'auto';
    field.current.style.height = `${Math.min(maxRowsHeight, field.current.scrollHeight)}px`;
  }, [text]);
  useEffect(() => {
    if (matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [person.id]);

  const suggested = suggestCommands(text, commands);
  const shown = areCommandsOpen ? commands : suggested;
  const keys = keyboard !== null && 'keyboard' in keyboard ? keyboard.keyboard : undefined;

  function send(what: string): void {
    act.sendText(what);
    act.draft('');
    setCommandsOpen(false);
    field.current?.focus();
  }
  /** Does what a key means to the list of commands; false when it means nothing to it. */
  function moveInCommands({ key, shiftKey }: KeyboardEvent): boolean {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    const command = shown[chosen]?.command;
    if (step !== undefined) {
      setChosen((chosen + step + shown.length) % shown.length);
    } else if (key === 'Escape') {
      setCommandsOpen(false);
      act.draft('');
    } else if (command === undefined || shiftKey) {
      return false;
    } else if (key === 'Tab' && !areCommandsOpen) {
      act.draft(`/${command}`);
    } else if (key === 'Enter') {
      send(`/${command}`);
    } else {
      return false;
    }
    return true;
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (shown.length > 0 && moveInCommands(event)) {
      event.preventDefault();
    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (text.trim() !== '') send(text);
    }
  }

  return (
    <footer class="composer">
      <div class="column">
        {state.areSamplesOpen && (
          <SampleTray state={state} words={words} person={person} act={act} />
        )}
        <div class="composer-row">
          <div class="field">
            {shown.length > 0 && (
              <CommandList
                commands={shown}
                chosen={Math.min(chosen, shown.length - 1)}
                words={words}
                choose={(command) => send(`/${command}`)}
              />
            )}
            {commands.length > 0 && text === '' && (
              <button
                type="button"
                class={areCommandsOpen ? 'commands-button open' : 'commands-button'}
                aria-expanded={areCommandsOpen}
                aria-label={words.commands}
                onClick={() => {
                  setChosen(0);
                  setCommandsOpen(!areCommandsOpen);
                  field.current?.focus();
                }}
              >
                <Icon name={areCommandsOpen ? 'close' : 'menu'} size={20} />
                <span>{words.menu}</span>
              </button>
            )}
            <textarea
              ref={field}
              rows={1}
              value={text}
              placeholder={words.message}
              aria-label={words.message}
              maxLength={4096}
              onInput={({ currentTarget }) => {
                setChosen(0);
                setCommandsOpen(false);
                act.draft(currentTarget.value);
              }}
              onKeyDown={onKeyDown}
              onPaste={(event) => {
                const files = [...(event.clipboardData?.files ?? [])];
                if (files.length === 0) return;
                event.preventDefault();
                act.show({ kind: 'send', files, as: 'photo' });
              }}
            />
            {keys !== undefined && (
              <button
                type="button"
                class={isKeyboardOpen ? 'round active' : 'round'}
                aria-label={words.botKeyboard}
                aria-expanded={isKeyboardOpen}
                onClick={() => setKeyboardOpen(!isKeyboardOpen)}
              >
                <Icon name="keyboard" />
              </button>
            )}
            <AttachMenu words={words} act={act} />
          </div>
          <button
            type="button"
            class="send"
            aria-label={words.send}
            disabled={text.trim() === ''}
            onClick={() => send(text)}
          >
            <Icon name="send" />
          </button>
        </div>
        {keys !== undefined && isKeyboardOpen && <ReplyKeyboard rows={keys} choose={send} />}
      </div>
    </footer>
  );
}

function suggestCommands(text: string, commands: readonly BotCommand[]): readonly BotCommand[] {
  const typed = /^\/(\w*)$/.exec(text)?.[1];
  if (typed === undefined) return [];
  return commands.filter(({ command }) => command.startsWith(typed.toLowerCase()));
}
