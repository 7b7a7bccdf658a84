import type { KeyboardButton } from 'grammy/types';

/** The buttons a bot puts in place of the person's own keyboard; each says what stands on it. */
export function ReplyKeyboard(props: {
  rows: readonly (readonly (KeyboardButton | string)[])[];
  choose: (text: string) => void;
}) {
  return (
    <div class="reply-keys">
      {props.rows.map((row, y) => (
        <div class="keys-row" key={y}>
          {row.map((button) => {
            const label = typeof button === 'string' ? button : button.text;
            return (
              <button
                type="button"
                key={label}
                class="reply-key"
                onClick={() => props.choose(label)}
              >
                {label}
              </button>
            );
          })}
        </div>
      ))}
    </div>
  );
}
