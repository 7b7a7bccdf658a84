import type { Message } from 'grammy/types';
import { useEffect, useRef, useState } from 'preact/hooks';
import { fileUrl } from '../api.ts';
import { showDuration, showSize } from '../format.ts';
import { fill } from '../words.ts';
import type { BubbleContext } from './bubble-context.ts';
import { Icon } from './icons.tsx';
import { ProgressRing } from './progress-ring.tsx';

export function DocumentFile({ message, context }: { message: Message; context: BubbleContext }) {
  const { document } = message;
  const { words, language, act } = context;
  const [progress, setProgress] = useState<number | undefined>(undefined);
  const [isDone, setDone] = useState(false);
  if (document === undefined) return null;
  const { file_id, file_name: name = words.file, file_size: size = 0, thumbnail } = document;
  const url = `${fileUrl(file_id)}?save=${encodeURIComponent(name)}`;

  async function download(event: Event): Promise<void> {
    event.preventDefault();
    if (progress !== undefined) return;
    setProgress(0);
    try {
      saveBlob(await fetchWithProgress(url, size, setProgress), name);
      setDone(true);
    } catch {
      act.toast(words.downloadFailed);
    } finally {
      setProgress(undefined);
    }
  }

  const isBusy = progress !== undefined;
  return (
    <a
      class="document"
      href={url}
      download={name}
      aria-label={fill(words.download, { name })}
      onClick={(event) => void download(event)}
    >
      <span class={thumbnail === undefined ? 'file-sign' : 'file-sign with-picture'}>
        {thumbnail !== undefined && <img src={fileUrl(thumbnail.file_id)} alt="" />}
        {isBusy ? (
          <ProgressRing progress={progress} />
        ) : (
          <Icon name={isDone ? 'check' : 'download'} size={22} />
        )}
      </span>
      <span class="file-facts">
        <span class="file-name">{name}</span>
        <span class="file-size">
          {isBusy
            ? `${showSize(progress * size, language)} / ${showSize(size, language)}`
            : `${showSize(size, language)}${isDone ? ` · ${words.downloaded}` : ''}`}
        </span>
      </span>
    </a>
  );
}

async function fetchWithProgress(
  url: string,
  size: number,
  onProgress: (progress: number) => void,
): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok || response.body === null) throw new Error(response.statusText);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.byteLength;
    onProgress(Math.min(1, received / Math.max(1, size)));
  }
  return new Blob(parts);
}

function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Voice messages and music. */
export function SoundPlayer({ message, context }: { message: Message; context: BubbleContext }) {
  const { voice, audio } = message;
  const { words, language } = context;
  const sound = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [position, setPosition] = useState(0);
  const media = voice ?? audio;
  const [length, setLength] = useState(media?.duration ?? 0);
  useEffect(() => () => sound.current?.pause(), []);
  if (media === undefined) return null;

  const toggle = () => {
    if (isPlaying) sound.current?.pause();
    else void sound.current?.play().catch(() => setPlaying(false));
  };
  const title = audio === undefined ? words.voice : (audio.title ?? audio.file_name ?? words.audio);
  return (
    <div class="sound">
      <button
        type="button"
        class="file-sign"
        aria-label={isPlaying ? words.pause : words.play}
        onClick={toggle}
      >
        <Icon name={isPlaying ? 'pause' : 'play'} size={24} />
      </button>
      <span class="file-facts">
        <span class="file-name">{title}</span>
        <input
          type="range"
          aria-label={words.seek}
          min={0}
          max={Math.max(1, length)}
          step={0.1}
          value={position}
          onInput={({ currentTarget }) => {
            if (sound.current !== null) sound.current.currentTime = Number(currentTarget.value);
          }}
        />
        <span class="file-size">
          {showDuration(isPlaying || position > 0 ? position : length)}
          {audio?.file_size !== undefined && ` · ${showSize(audio.file_size, language)}`}
        </span>
      </span>
      {/* biome-ignore lint/a11y/useMediaCaption: sounds in a chat have no captions */}
      <audio
        ref={sound}
        src={fileUrl(media.file_id)}
        preload="metadata"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={({ currentTarget }) => setPosition(currentTarget.currentTime)}
        onLoadedMetadata={({ currentTarget: { duration } }) => {
          if (Number.isFinite(duration)) setLength(duration);
        }}
        onEnded={() => setPosition(0)}
      />
    </div>
  );
}
