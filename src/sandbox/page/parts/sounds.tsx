import type { Message } from 'grammy/types';
import { useEffect, useRef, useState } from 'preact/hooks';
import { fileUrl } from '../api.ts';
import { showDuration, showSize } from '../format.ts';
import { readWaveform } from '../sounds-and-videos.ts';
import type { BubbleContext } from './bubble-context.ts';
import { Icon } from './icons.tsx';

interface SoundProps {
  readonly message: Message;
  readonly context: BubbleContext;
}

const bars = 42;

/** A voice message: its loudness is drawn, and what was heard is filled. */
export function VoicePlayer({ message: { voice }, context }: SoundProps) {
  const [heights, setHeights] = useState<readonly number[]>(() => Array(bars).fill(0));
  const url = voice && fileUrl(voice.file_id);
  useEffect(() => {
    if (url === undefined) return;
    let isGone = false;
    const draw = async () => {
      const sound = await (await fetch(url)).arrayBuffer();
      const found = await readWaveform(sound, bars);
      if (!isGone) setHeights(found);
    };
    // What the browser cannot decode has a flat line.
    draw().catch(() => {});
    return () => {
      isGone = true;
    };
  }, [url]);
  const sound = useSound(voice?.file_id, voice?.duration ?? 0);
  if (voice === undefined) return null;
  const { position, length } = sound;
  return (
    <div class="sound">
      <PlayButton sound={sound} context={context} />
      <span class="file-facts">
        <span class="waveform">
          {heights.map((height, bar) => (
            <i
              key={bar}
              class={position > (bar / bars) * length ? 'heard' : ''}
              style={{ height: `${3 + 19 * height}px` }}
            />
          ))}
          <Slider sound={sound} context={context} />
        </span>
        <span class="file-size">{showDuration(position > 0 ? position : length)}</span>
      </span>
      {sound.player}
    </div>
  );
}

/** A piece of music. */
export function MusicPlayer({ message: { audio }, context }: SoundProps) {
  const sound = useSound(audio?.file_id, audio?.duration ?? 0);
  if (audio === undefined) return null;
  const { words, language } = context;
  const { position, length } = sound;
  const facts = [
    `${position > 0 ? `${showDuration(position)} / ` : ''}${showDuration(length)}`,
    ...(audio.performer === undefined ? [] : [audio.performer]),
    ...(audio.file_size === undefined ? [] : [showSize(audio.file_size, language)]),
  ];
  return (
    <div class="sound">
      <PlayButton sound={sound} context={context} />
      <span class="file-facts">
        <span class="file-name">{audio.title ?? audio.file_name ?? words.audio}</span>
        <Slider sound={sound} context={context} />
        <span class="file-size">{facts.join(' · ')}</span>
      </span>
      {sound.player}
    </div>
  );
}

type Sound = ReturnType<typeof useSound>;

/** Plays a file; `player` has to be somewhere on the page. */
function useSound(fileId: string | undefined, knownLength: number) {
  const audio = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [position, setPosition] = useState(0);
  const [length, setLength] = useState(knownLength);
  useEffect(() => () => audio.current?.pause(), []);
  return {
    isPlaying,
    position,
    length,
    toggle() {
      if (isPlaying) audio.current?.pause();
      else void audio.current?.play().catch(() => setPlaying(false));
    },
    seek(seconds: number) {
      if (audio.current !== null) audio.current.currentTime = seconds;
      setPosition(seconds);
    },
    player: fileId !== undefined && (
      // biome-ignore lint/a11y/useMediaCaption: sounds in a chat have no captions
      <audio
        ref={audio}
        src={fileUrl(fileId)}
        preload="metadata"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={({ currentTarget }) => setPosition(currentTarget.currentTime)}
        onLoadedMetadata={({ currentTarget: { duration } }) => {
          if (Number.isFinite(duration)) setLength(duration);
        }}
        onEnded={() => setPosition(0)}
      />
    ),
  };
}

function PlayButton({ sound, context: { words } }: { sound: Sound; context: BubbleContext }) {
  return (
    <button
      type="button"
      class="file-sign"
      aria-label={sound.isPlaying ? words.pause : words.play}
      onClick={sound.toggle}
    >
      <Icon name={sound.isPlaying ? 'pause' : 'play'} size={24} />
    </button>
  );
}

function Slider({ sound, context: { words } }: { sound: Sound; context: BubbleContext }) {
  return (
    <input
      type="range"
      aria-label={words.seek}
      min={0}
      max={Math.max(1, sound.length)}
      step={0.1}
      value={sound.position}
      onInput={({ currentTarget }) => sound.seek(Number(currentTarget.value))}
    />
  );
}
