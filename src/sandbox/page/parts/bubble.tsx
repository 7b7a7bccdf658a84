import type { InlineKeyboardButton, Message } from 'grammy/types';
import { Fragment } from 'preact';
import { memo } from 'preact/compat';
import { describeMessage } from '../describe-message.ts';
import { showNumber, showTime } from '../format.ts';
import type { Bubble as BubbleLayout } from '../lay-out-chat.ts';
import { count, fill } from '../words.ts';
import type { BubbleContext } from './bubble-context.ts';
import { DocumentFile } from './files.tsx';
import { FormattedText } from './formatted-text.tsx';
import { Icon, StarIcon, Ticks } from './icons.tsx';
import { Album, AnimationPlayer, VideoNote, VideoPlayer } from './pictures.tsx';
import { MusicPlayer, VoicePlayer } from './sounds.tsx';

export interface BubbleProps {
  readonly bubble: BubbleLayout;
  readonly context: BubbleContext;
  /** Whether the bot has taken the message; only of own ones. */
  readonly isTaken: boolean;
  /** Places of buttons that wait for an answer, as `row:column`. */
  readonly pressed: string;
}

/** Only drawn again when something in it changed: a chat may hold hundreds. */
export const Bubble = memo(BubbleBody, (before, after) => {
  const { bubble: a } = before;
  const { bubble: b } = after;
  return (
    a.messages.length === b.messages.length &&
    a.messages.every((message, index) => message === b.messages[index]) &&
    a.isFirst === b.isFirst &&
    a.isLast === b.isLast &&
    before.isTaken === after.isTaken &&
    before.pressed === after.pressed &&
    before.context === after.context
  );
});

function BubbleBody({ bubble, context, isTaken, pressed }: BubbleProps) {
  const { messages, isOwn, isFirst, isLast } = bubble;
  const [message] = messages;
  const { words, language } = context;
  if (bubble.isService) return <ServiceNote message={message} context={context} />;

  // Of files each says its own below itself, and the last one's is that of the bubble.
  const saying = isFile(message)
    ? messages.at(-1)
    : messages.find(({ caption }) => caption !== undefined);
  const text = message.text ?? saying?.caption;
  const entities = message.entities ?? saying?.caption_entities;
  const isPicture =
    message.photo !== undefined || message.video !== undefined || message.animation !== undefined;
  const kind = isPicture ? (text === undefined ? 'bare' : 'captioned') : 'plain';
  const isOnlyEmoji =
    message.sticker !== undefined ||
    message.video_note !== undefined ||
    (message.text !== undefined &&
      /^(?:\p{Extended_Pictographic}\uFE0F?){1,3}$/u.test(message.text));
  const markup = messages.at(-1)?.reply_markup?.inline_keyboard;
  const meta = (
    <span class="meta">
      {message.edit_date !== undefined && <span>{words.edited}</span>}
      <time dateTime={new Date(message.date * 1000).toISOString()}>
        {showTime(message.date, language)}
      </time>
      {isOwn && (
        <span role="img" aria-label={isTaken ? words.taken : words.notTaken}>
          <Ticks isTaken={isTaken} />
        </span>
      )}
    </span>
  );
  const sides = isOwn ? 'own' : 'theirs';
  return (
    <article
      class={`row ${sides} ${isFirst ? 'first' : ''} ${isLast ? 'last' : ''}`}
      aria-label={isOwn ? words.you : context.botName}
      data-message={message.message_id}
    >
      <div class="stack">
        <div class={`bubble ${kind} ${isOnlyEmoji ? 'emoji' : ''} ${markup ? 'has-keys' : ''}`}>
          {message.reply_to_message !== undefined && (
            <Reply original={message.reply_to_message} context={context} />
          )}
          <Content message={message} messages={messages} context={context} />
          {text === undefined ? (
            meta
          ) : (
            <div class="text" dir="auto">
              <FormattedText text={text} entities={entities} words={words} act={context.act} />
              {meta}
            </div>
          )}
        </div>
        {markup !== undefined && (
          <InlineKeyboard message={message} rows={markup} pressed={pressed} context={context} />
        )}
      </div>
    </article>
  );
}

const isFile = ({ document, audio }: Message) => document !== undefined || audio !== undefined;

function Content(props: {
  message: Message;
  messages: readonly Message[];
  context: BubbleContext;
}) {
  const { message, messages, context } = props;
  if (message.photo !== undefined || (message.video !== undefined && messages.length > 1)) {
    return <Album messages={messages} context={context} />;
  }
  if (message.video !== undefined) return <VideoPlayer message={message} context={context} />;
  if (message.video_note !== undefined) return <VideoNote message={message} context={context} />;
  if (message.animation !== undefined) {
    return <AnimationPlayer message={message} context={context} />;
  }
  if (message.voice !== undefined) return <VoicePlayer message={message} context={context} />;
  if (isFile(message)) {
    return (
      <div class="documents">
        {messages.map((one) => (
          <Fragment key={one.message_id}>
            {one.audio === undefined ? (
              <DocumentFile message={one} context={context} />
            ) : (
              <MusicPlayer message={one} context={context} />
            )}
            {one.caption !== undefined && one !== messages.at(-1) && (
              <div class="text" dir="auto">
                <FormattedText
                  text={one.caption}
                  entities={one.caption_entities}
                  words={context.words}
                  act={context.act}
                />
              </div>
            )}
          </Fragment>
        ))}
      </div>
    );
  }
  if (message.invoice !== undefined) return <Invoice message={message} context={context} />;
  if (message.sticker !== undefined) {
    return (
      <span class="sticker" role="img" aria-label={context.words.sticker}>
        {message.sticker.emoji}
      </span>
    );
  }
  return message.text === undefined ? <i>{context.words.unsupported}</i> : null;
}

/** What a message answers, in one line. */
function Reply({
  original,
  context: { words, botName },
}: {
  original: NonNullable<Message['reply_to_message']>;
  context: BubbleContext;
}) {
  return (
    <div class="reply">
      <b>{original.from?.is_bot === true ? botName : words.you}</b>
      <span>{describeMessage(original, words)}</span>
    </div>
  );
}

function Invoice({ message: { invoice }, context }: { message: Message; context: BubbleContext }) {
  if (invoice === undefined) return null;
  const { words, language } = context;
  return (
    <div class="invoice">
      <span class="invoice-sign" aria-hidden="true">
        <StarIcon size={34} />
      </span>
      <div>
        <b>{invoice.title}</b>
        <p>{invoice.description}</p>
        <span class="invoice-price">
          {words.invoice} · <StarIcon size={15} /> {showNumber(invoice.total_amount, language)}
        </span>
      </div>
    </div>
  );
}

function ServiceNote({ message, context }: { message: Message; context: BubbleContext }) {
  const { words, language, botName: bot } = context;
  const { successful_payment: paid, refunded_payment: refunded } = message;
  const text =
    paid !== undefined
      ? count(language, words.paid, paid.total_amount, { bot })
      : refunded !== undefined
        ? count(language, words.refunded, refunded.total_amount, { bot })
        : fill(words.pinned, { name: bot });
  return (
    <article class="service" data-message={message.message_id}>
      <span class="pill">
        {(paid ?? refunded) !== undefined && <StarIcon size={15} />} {text}
      </span>
    </article>
  );
}

function InlineKeyboard({
  message,
  rows,
  pressed,
  context: { act, words },
}: {
  message: Message;
  rows: readonly (readonly InlineKeyboardButton[])[];
  pressed: string;
  context: BubbleContext;
}) {
  const waiting = pressed.split(' ');
  function press(button: InlineKeyboardButton, place: string): void {
    const id = message.message_id;
    if ('callback_data' in button) act.press(id, place, button.callback_data);
    else if ('url' in button) act.show({ kind: 'link', url: button.url });
    else if ('pay' in button) act.show({ kind: 'pay', messageId: id });
    else if ('copy_text' in button) {
      void navigator.clipboard
        ?.writeText(button.copy_text.text)
        .then(() => act.toast(words.copied));
    }
  }
  return (
    <div class="keys">
      {rows.map((row, y) => (
        <div class="keys-row" key={y}>
          {row.map((button, x) => {
            const place = `${y}:${x}`;
            const isWaiting = waiting.includes(place);
            const isPay = 'pay' in button;
            return (
              <button
                type="button"
                key={place}
                class={isWaiting ? 'key waiting' : 'key'}
                aria-busy={isWaiting}
                onClick={() => press(button, place)}
              >
                <span class="key-label">{isPay ? withStar(button.text) : button.text}</span>
                {'url' in button && (
                  <span class="key-corner">
                    <Icon name="link" size={12} />
                  </span>
                )}
                {isPay && (
                  <span class="key-corner">
                    <Icon name="pay" size={13} />
                  </span>
                )}
              </button>
            );
          })}
        </div>
      ))}
    </div>
  );
}

/** Telegram puts its own sign where a pay button's label has a star or XTR. */
function withStar(label: string) {
  const [before = '', after] = label.split(/⭐️?|XTR/);
  if (after === undefined) return label;
  return (
    <>
      {before}
      <StarIcon size={16} />
      {after}
    </>
  );
}
