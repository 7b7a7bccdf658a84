import type { Message, PhotoSize } from 'grammy/types';
import { useEffect, useRef, useState } from 'preact/hooks';
import { fileUrl } from '../api.ts';
import { showDuration, showTime } from '../format.ts';
import { splitRows } from '../lay-out-chat.ts';
import { pictureUrl } from '../send-files.ts';
import type { BubbleContext } from './bubble-context.ts';
import { Icon } from './icons.tsx';

/** The widest and highest a single picture gets, in pixels. */
const maxWidth = 420;
const maxHeight = 440;
const minWidth = 200;

/** The size a picture is shown in, so that nothing jumps when it arrives. */
export function fitPicture(width: number, height: number): { width: number; ratio: number } {
  const ratio = Math.min(3, Math.max(0.45, width / Math.max(1, height)));
  return { width: Math.max(minWidth, Math.round(Math.min(maxWidth, maxHeight * ratio))), ratio };
}

const largest = (message: Message): PhotoSize | undefined => message.photo?.at(-1);

export function Photos({
  messages,
  context,
}: {
  messages: readonly Message[];
  context: BubbleContext;
}) {
  const shown = messages.flatMap((message) => {
    const size = largest(message);
    return size === undefined ? [] : [{ message, size }];
  });
  const [only] = shown;
  if (shown.length === 1 && only !== undefined) {
    const { width, ratio } = fitPicture(only.size.width, only.size.height);
    return (
      <div class="picture" style={{ '--width': `${width}px`, aspectRatio: `${ratio}` }}>
        <Photo {...only} context={context} />
      </div>
    );
  }
  return (
    <div class="album">
      {splitRows(shown).map((row) => {
        const ratios = row.map(({ size }) =>
          Math.min(1.8, Math.max(0.6, size.width / Math.max(1, size.height))),
        );
        const ratio = ratios.reduce((sum, one) => sum + one, 0);
        return (
          <div
            class="album-row"
            key={row[0]?.message.message_id}
            style={{ aspectRatio: `${ratio}` }}
          >
            {row.map(({ message, size }, index) => (
              <div class="album-cell" key={message.message_id} style={{ flexGrow: ratios[index] }}>
                <Photo message={message} size={size} context={context} />
              </div>
            ))}
          </div>
        );
      })}
    </div>
  );
}

function Photo({
  message,
  size,
  context: { words, language, act, ownPictures },
}: {
  message: Message;
  size: PhotoSize;
  context: BubbleContext;
}) {
  const time = showTime(message.date, language);
  return (
    <button
      type="button"
      class="picture-button"
      aria-label={words.photoFrom.replace('{{time}}', time)}
      onClick={() => act.show({ kind: 'photo', fileId: size.file_id })}
    >
      <img
        src={pictureUrl({ ownPictures }, size.file_id)}
        alt={message.caption ?? words.photo}
        loading="lazy"
        decoding="async"
        draggable={false}
      />
    </button>
  );
}

export function VideoPlayer({ message, context }: { message: Message; context: BubbleContext }) {
  const { video } = message;
  const [isPlaying, setPlaying] = useState(false);
  if (video === undefined) return null;
  const { words } = context;
  const { width, ratio } = fitPicture(video.width, video.height);
  const duration = showDuration(video.duration);
  const poster = video.thumbnail === undefined ? undefined : fileUrl(video.thumbnail.file_id);
  return (
    <div class="picture" style={{ '--width': `${width}px`, aspectRatio: `${ratio}` }}>
      {isPlaying ? (
        // biome-ignore lint/a11y/useMediaCaption: videos in a chat have no captions
        <video
          src={fileUrl(video.file_id)}
          poster={poster}
          aria-label={words.video}
          controls
          autoplay
          playsInline
          loop
        />
      ) : (
        <button
          type="button"
          class="picture-button"
          aria-label={words.playVideo.replace('{{duration}}', duration)}
          onClick={() => setPlaying(true)}
        >
          {poster === undefined ? (
            <video src={`${fileUrl(video.file_id)}#t=0.1`} preload="metadata" muted tabIndex={-1} />
          ) : (
            <img src={poster} alt="" draggable={false} />
          )}
          <span class="play-sign">
            <Icon name="play" size={30} />
          </span>
          <span class="pill duration">{duration}</span>
        </button>
      )}
    </div>
  );
}

/** A silent clip that plays by itself, unless the person wants no movement. */
export function AnimationPlayer({
  message,
  context,
}: {
  message: Message;
  context: BubbleContext;
}) {
  const { animation } = message;
  const player = useRef<HTMLVideoElement>(null);
  const wantsCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const [isPlaying, setPlaying] = useState(!wantsCalm);
  useEffect(() => {
    if (isPlaying) void player.current?.play().catch(() => setPlaying(false));
    else player.current?.pause();
  }, [isPlaying]);
  if (animation === undefined) return null;
  const { width, ratio } = fitPicture(animation.width, animation.height);
  const url = fileUrl(animation.file_id);
  const label = isPlaying ? context.words.pause : context.words.play;
  return (
    <div
      class="picture"
      style={{ '--width': `${Math.min(320, width)}px`, aspectRatio: `${ratio}` }}
    >
      <button
        type="button"
        class="picture-button"
        aria-label={`${context.words.gif}: ${label}`}
        onClick={() => setPlaying(!isPlaying)}
      >
        {animation.mime_type === 'image/gif' ? (
          <img src={url} alt={context.words.gif} />
        ) : (
          <video ref={player} src={url} muted loop playsInline preload="auto" tabIndex={-1} />
        )}
        {!isPlaying && (
          <span class="play-sign">
            <Icon name="play" size={30} />
          </span>
        )}
        <span class="pill duration">{context.words.gif}</span>
      </button>
    </div>
  );
}
