import type { Message } from 'grammy/types';
import { useEffect, useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import { pictureUrl } from '../send-files.ts';
import { fill, type Words } from '../words.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icons.tsx';

/** A photo over everything, with those before and after it in the chat. */
export function Lightbox(props: {
  fileId: string;
  messages: readonly Message[];
  ownPictures: Readonly<Record<string, string>>;
  words: Words;
  act: Actions;
}) {
  const { messages, ownPictures, words, act } = props;
  const photos = messages.flatMap((message) => {
    const size = message.photo?.at(-1);
    return size === undefined ? [] : [{ id: size.file_id, caption: message.caption }];
  });
  const [at, setAt] = useState(() => photos.findIndex(({ id }) => id === props.fileId));
  const photo = photos[at];
  useEffect(() => {
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === 'ArrowRight') setAt((index) => Math.min(photos.length - 1, index + 1));
      if (key === 'ArrowLeft') setAt((index) => Math.max(0, index - 1));
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [photos.length]);
  if (photo === undefined) return null;
  const close = () => act.show(null);
  const label = fill(words.photoOf, { number: at + 1, count: photos.length });
  return (
    <Dialog class="lightbox" label={label} close={close}>
      <div class="lightbox-stage">
        <button type="button" class="lightbox-back" aria-label={words.close} onClick={close} />
        <img src={pictureUrl({ ownPictures }, photo.id)} alt={photo.caption ?? label} />
        {photo.caption !== undefined && <p>{photo.caption}</p>}
      </div>
      <span class="lightbox-count" aria-live="polite">
        {label}
      </span>
      <button type="button" class="round light corner" aria-label={words.close} onClick={close}>
        <Icon name="close" />
      </button>
      {at > 0 && (
        <button
          type="button"
          class="round light before"
          aria-label={words.previous}
          onClick={() => setAt(at - 1)}
        >
          <Icon name="left" />
        </button>
      )}
      {at < photos.length - 1 && (
        <button
          type="button"
          class="round light after"
          aria-label={words.next}
          onClick={() => setAt(at + 1)}
        >
          <Icon name="right" />
        </button>
      )}
    </Dialog>
  );
}
