import type { Actions } from '../actions.ts';
import { showSize } from '../format.ts';
import { splitRows } from '../lay-out-chat.ts';
import type { Sending } from '../state.ts';
import type { Language } from '../wire.ts';
import type { Words } from '../words.ts';
import { Icon } from './icons.tsx';
import { ProgressRing } from './progress-ring.tsx';

/** A message that is on its way. */
export function SendingBubble(props: {
  sending: Sending;
  words: Words;
  language: Language;
  act: Actions;
}) {
  const { sending, words, language, act } = props;
  const { text, as, previews, progress, hasFailed } = sending;
  const isPhotos = as === 'photo';
  const meta = (
    <span class="meta">
      <span role="img" aria-label={hasFailed ? words.notSent : words.isSending}>
        <Icon name={hasFailed ? 'alert' : 'clock'} size={13} />
      </span>
    </span>
  );
  return (
    <article class="row own first last sending" aria-label={words.you} aria-busy={!hasFailed}>
      <div class="stack">
        <div class={`bubble ${isPhotos ? (text === undefined ? 'bare' : 'captioned') : 'plain'}`}>
          {isPhotos && (
            <div class="album">
              {splitRows(previews).map((row, y) => (
                <div class="album-row" key={y} style={{ aspectRatio: `${row.length * 1.2}` }}>
                  {row.map(({ name, url }, x) => (
                    <div class="album-cell" key={x} style={{ flexGrow: 1 }}>
                      {url !== undefined && <img src={url} alt={name} />}
                    </div>
                  ))}
                </div>
              ))}
              {!hasFailed && (
                <span class="upload-sign">
                  <ProgressRing progress={progress} />
                </span>
              )}
            </div>
          )}
          {as !== undefined &&
            !isPhotos &&
            previews.map(({ name, sizeBytes }, index) => (
              <span class="document" key={index}>
                <span class="file-sign">
                  <ProgressRing progress={progress} />
                </span>
                <span class="file-facts">
                  <span class="file-name">{name}</span>
                  <span class="file-size">{showSize(sizeBytes, language)}</span>
                </span>
              </span>
            ))}
          {text === undefined ? meta : <div class="text">{[text, meta]}</div>}
        </div>
        {hasFailed && (
          <div class="failed">
            <span>{words.notSent}</span>
            {previews.length === 0 && (
              <button type="button" class="link" onClick={() => act.retry(sending)}>
                {words.tryAgain}
              </button>
            )}
            <button type="button" class="link" onClick={() => act.discard(sending)}>
              {words.discard}
            </button>
          </div>
        )}
      </div>
    </article>
  );
}
