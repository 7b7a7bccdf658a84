import type { MessageEntity } from 'grammy/types';
import { type ComponentChildren, Fragment } from 'preact';
import { useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import type { Words } from '../words.ts';

/** A text with its formatting, and what can be pressed in it. */
export function FormattedText(props: {
  text: string;
  entities: readonly MessageEntity[] | undefined;
  words: Words;
  act: Actions;
}) {
  return <>{renderRange(props, 0, props.text.length, sortEntities(props.entities ?? []))}</>;
}

/** Outer ones first, so that inner ones are found inside them. */
function sortEntities(entities: readonly MessageEntity[]): MessageEntity[] {
  return [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
}

type Context = Pick<Parameters<typeof FormattedText>[0], 'text' | 'words' | 'act'>;

function renderRange(
  context: Context,
  from: number,
  to: number,
  entities: readonly MessageEntity[],
): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let at = from;
  let rest = entities;
  while (rest.length > 0) {
    const [entity, ...others] = rest;
    if (entity === undefined) break;
    const end = Math.min(entity.offset + entity.length, to);
    const inner = others.filter(({ offset }) => offset < end);
    rest = others.slice(inner.length);
    if (entity.offset < at || end <= entity.offset) continue;
    parts.push(context.text.slice(at, entity.offset));
    const children = renderRange(context, entity.offset, end, inner);
    parts.push(
      <Fragment key={`${entity.offset}${entity.type}`}>
        {renderEntity(context, entity, context.text.slice(entity.offset, end), children)}
      </Fragment>,
    );
    // A block ends its line by itself.
    at = isBlock(entity) && context.text[end] === '\n' ? end + 1 : end;
  }
  parts.push(context.text.slice(at, to));
  return parts;
}

const isBlock = ({ type }: MessageEntity) =>
  type === 'pre' || type === 'blockquote' || type === 'expandable_blockquote';

function renderEntity(
  { act, words }: Context,
  entity: MessageEntity,
  text: string,
  children: ComponentChildren,
): ComponentChildren {
  switch (entity.type) {
    case 'bold':
      return <b>{children}</b>;
    case 'italic':
      return <i>{children}</i>;
    case 'underline':
      return <u>{children}</u>;
    case 'strikethrough':
      return <s>{children}</s>;
    case 'code':
    case 'pre':
      return (
        <button
          type="button"
          class={entity.type === 'pre' ? 'code block' : 'code'}
          onClick={() => {
            void navigator.clipboard?.writeText(text).then(() => act.toast(words.copied));
          }}
        >
          {children}
        </button>
      );
    case 'blockquote':
    case 'expandable_blockquote':
      return <blockquote>{children}</blockquote>;
    case 'spoiler':
      return <Spoiler label={words.showSpoiler}>{children}</Spoiler>;
    case 'bot_command':
      return (
        <button type="button" class="link" onClick={() => act.sendText(text)}>
          {children}
        </button>
      );
    case 'url':
    case 'text_link': {
      const url = 'url' in entity ? entity.url : text;
      return (
        <a
          href={url}
          onClick={(event) => {
            event.preventDefault();
            act.show({ kind: 'link', url });
          }}
        >
          {children}
        </a>
      );
    }
    case 'mention':
    case 'text_mention':
    case 'hashtag':
    case 'cashtag':
    case 'email':
    case 'phone_number':
      return <span class="mention">{children}</span>;
    default:
      return children;
  }
}

function Spoiler({ label, children }: { label: string; children: ComponentChildren }) {
  const [isShown, setShown] = useState(false);
  if (isShown) return <span>{children}</span>;
  return (
    <button type="button" class="spoiler" aria-label={label} onClick={() => setShown(true)}>
      <span aria-hidden="true">{children}</span>
    </button>
  );
}
