import type { Message } from 'grammy/types';
import { useState } from 'preact/hooks';
import { fileUrl } from '../api.ts';
import { showSize } from '../format.ts';
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
  const { file_id, file_name: name = words.file, file_size: size = 0 } = document;
  const pictureId = /^image\/(jpeg|png|webp|gif)$/.test(document.mime_type ?? '')
    ? file_id
    : document.thumbnail?.file_id;
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
      <span class={pictureId === undefined ? 'file-sign' : 'file-sign with-picture'}>
        {pictureId !== undefined && <img src={fileUrl(pictureId)} alt="" loading="lazy" />}
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
