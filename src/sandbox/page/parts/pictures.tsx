import type { Message, PhotoSize, Video } from 'grammy/types';
import { useEffect, useRef, useState } from 'preact/hooks';
import { fileUrl } from '../api.ts';
import { showDuration, showTime } from '../format.ts';
import { splitRows } from '../lay-out-chat.ts';
import { pictureUrl } from '../send-files.ts';
import { wantsCalm } from '../wants-calm.ts';
import { fill } from '../words.ts';
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

/** The photo or the video of a message. */
const picturedIn = ({ photo, video }: Message): PhotoSize | Video | undefined =>
  photo?.at(-1) ?? video;

/** One photo, or photos and videos side by side. */
export function Album({
  messages,
  context,
}: {
  messages: readonly Message[];
  context: BubbleContext;
}) {
  const shown = messages.flatMap((message) => {
    const size = picturedIn(message);
    return size === undefined ? [] : [{ message, size }];
  });
  const [only] = shown;
  if (shown.length === 1 && only !== undefined) {
    const { width, ratio } = fitPicture(only.size.width, only.size.height);
    return (
      <div class="picture" style={{ '--width': `${width}px`, aspectRatio: `${ratio}` }}>
        <Photo message={only.message} fileId={only.size.file_id} context={context} />
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
                {message.video === undefined ? (
                  <Photo message={message} fileId={size.file_id} context={context} />
                ) : (
                  <VideoView video={message.video} context={context} />
                )}
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
  fileId,
  context: { words, language, act, ownPictures },
}: {
  message: Message;
  fileId: string;
  context: BubbleContext;
}) {
  const time = showTime(message.date, language);
  return (
    <button
      type="button"
      class="picture-button"
      aria-label={fill(words.photoFrom, { time })}
      onClick={() => act.show({ kind: 'photo', fileId })}
    >
      <img
        src={pictureUrl({ ownPictures }, fileId)}
        alt={message.caption ?? words.photo}
        loading="lazy"
        decoding="async"
        draggable={false}
      />
    </button>
  );
}

/** A video that shows itself without sound, as clients do, and gets its controls when pressed. */
export function VideoPlayer({ message, context }: { message: Message; context: BubbleContext }) {
  const { video } = message;
  if (video === undefined) return null;
  const { width, ratio } = fitPicture(video.width, video.height);
  return (
    <div class="picture" style={{ '--width': `${width}px`, aspectRatio: `${ratio}` }}>
      <VideoView video={video} context={context} />
    </div>
  );
}

function VideoView({ video, context }: { video: Video; context: BubbleContext }) {
  const [isOpen, setOpen] = useState(false);
  const player = usePlayingInView(!wantsCalm() && !isOpen);
  const { words } = context;
  const duration = showDuration(video.duration);
  const shown = {
    src: fileUrl(video.file_id),
    poster: video.thumbnail === undefined ? undefined : fileUrl(video.thumbnail.file_id),
    loop: true,
    playsInline: true,
  };
  if (isOpen) return <video {...shown} aria-label={words.video} controls autoplay />;
  return (
    <button
      type="button"
      class="picture-button"
      aria-label={fill(words.playVideo, { duration })}
      onClick={() => setOpen(true)}
    >
      <video {...shown} ref={player} muted preload="auto" tabIndex={-1} />
      {wantsCalm() && <PlaySign />}
      <span class="pill duration">{duration}</span>
    </button>
  );
}

/** A round video that shows itself without sound; pressed, it begins anew with sound, and then stops. */
export function VideoNote({ message, context }: { message: Message; context: BubbleContext }) {
  const { video_note: note } = message;
  const [isLoud, setLoud] = useState(false);
  const player = usePlayingInView(!wantsCalm());
  if (note === undefined) return null;
  const { words } = context;
  const label = isLoud ? words.pause : words.play;
  return (
    <button
      type="button"
      class="picture-button video-note"
      aria-label={`${words.videoNote}, ${showDuration(note.duration)}: ${label}`}
      onClick={() => {
        const { current } = player;
        if (current === null) return;
        current.currentTime = 0;
        // A browser may want no sound; then it stays as it was.
        void current.play().catch(() => {});
        setLoud(!isLoud);
      }}
    >
      <video
        ref={player}
        src={fileUrl(note.file_id)}
        poster={note.thumbnail === undefined ? undefined : fileUrl(note.thumbnail.file_id)}
        muted={!isLoud}
        loop={!isLoud}
        playsInline
        preload="auto"
        tabIndex={-1}
        onEnded={() => setLoud(false)}
      />
      {wantsCalm() && !isLoud && <PlaySign />}
      <span class="pill duration">{showDuration(note.duration)}</span>
    </button>
  );
}

function PlaySign() {
  return (
    <span class="play-sign">
      <Icon name="play" size={30} />
    </span>
  );
}

/** Plays while it can be seen, if it is to play at all. */
function usePlayingInView(isWanted: boolean) {
  const player = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const { current } = player;
    if (current === null || !isWanted) return;
    const watch = new IntersectionObserver(([entry]) => {
      // A browser that saves power may refuse; then the poster stays.
      if (entry?.isIntersecting === true) void current.play().catch(() => {});
      else current.pause();
    });
    watch.observe(current);
    return () => {
      watch.disconnect();
      current.pause();
    };
  }, [isWanted]);
  return player;
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
  const [isPlaying, setPlaying] = useState(!wantsCalm());
  const player = usePlayingInView(isPlaying);
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
        {!isPlaying && <PlaySign />}
        <span class="pill duration">{context.words.gif}</span>
      </button>
    </div>
  );
}
