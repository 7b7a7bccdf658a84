import type { BotCommand } from 'grammy/types';
import { useEffect, useRef } from 'preact/hooks';
import type { Words } from '../words.ts';

/** The commands above the field; the arrow keys of the field move in it. */
export function CommandList(props: {
  commands: readonly BotCommand[];
  chosen: number;
  words: Words;
  choose: (command: string) => void;
}) {
  const { commands, chosen, words, choose } = props;
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  return (
    <div class="command-list" ref={list} role="listbox" tabIndex={-1} aria-label={words.commands}>
      {commands.map(({ command, description }, index) => (
        <button
          type="button"
          role="option"
          aria-selected={index === chosen}
          key={command}
          class={index === chosen ? 'chosen' : ''}
          onClick={() => choose(command)}
        >
          <b>/{command}</b>
          <span>{description}</span>
        </button>
      ))}
    </div>
  );
}
