import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import { looksLikePhoto } from '../compress-photo.ts';
import { showSize } from '../format.ts';
import { soundOrVideoKinds } from '../sounds-and-videos.ts';
import type { Language, SentAs } from '../wire.ts';
import { count, fill, type Words } from '../words.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icons.tsx';

/** The last look before files are sent: as photos, files, sounds or videos, with a caption. */
export function SendDialog(props: {
  files: readonly File[];
  as: 'photo' | 'file';
  words: Words;
  language: Language;
  act: Actions;
}) {
  const { words, language, act } = props;
  const [files, setFiles] = useState(props.files);
  const hasPhotos = files.some(looksLikePhoto);
  const [isCompressed, setCompressed] = useState(props.as === 'photo');
  const kinds = soundOrVideoKinds(files);
  const [wanted, setWanted] = useState<SentAs | undefined>(undefined);
  const [caption, setCaption] = useState('');
  const more = useRef<HTMLInputElement>(null);
  const choices: readonly SentAs[] = props.as === 'file' ? ['file', ...kinds] : [...kinds, 'file'];
  const chosen = choices.find((kind) => kind === wanted) ?? choices[0] ?? 'file';
  const as = isCompressed && hasPhotos ? 'photo' : chosen;
  const areAllPhotos = as === 'photo' && files.every(looksLikePhoto);
  const title = count(language, areAllPhotos ? words.sendPhotos : words.sendFiles, files.length);
  const close = () => act.show(null);

  const remove = (file: File) => {
    const rest = files.filter((one) => one !== file);
    if (rest.length === 0) close();
    else setFiles(rest);
  };
  return (
    <Dialog label={title} close={close}>
      <form
        class="send-form"
        onSubmit={(event) => {
          event.preventDefault();
          act.sendFiles(files, as, as === 'video_note' ? '' : caption.trim());
          close();
        }}
      >
        <header>
          <h2>{title}</h2>
          <button type="button" class="round" aria-label={words.close} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        <div class={as === 'photo' ? 'picked' : 'picked as-files'}>
          {files.map((file, index) => (
            <Picked
              key={`${file.name}${file.size}${index}`}
              file={file}
              isPicture={as === 'photo' && looksLikePhoto(file)}
              label={fill(words.remove, { name: file.name })}
              language={language}
              remove={() => remove(file)}
            />
          ))}
        </div>
        {kinds.length > 0 && (
          <fieldset class="choices" aria-label={words.sendAs}>
            {choices.map((kind) => (
              <label key={kind}>
                <input
                  type="radio"
                  name="as"
                  checked={kind === chosen}
                  onChange={() => setWanted(kind)}
                />
                <span>{kindName(kind, words)}</span>
              </label>
            ))}
          </fieldset>
        )}
        {hasPhotos && (
          <label class="switch">
            <input
              type="checkbox"
              checked={isCompressed}
              onChange={({ currentTarget }) => setCompressed(currentTarget.checked)}
            />
            <span>
              {words.compress}
              <small>{words.compressHow}</small>
            </span>
          </label>
        )}
        {as !== 'video_note' && (
          <input
            class="line"
            value={caption}
            placeholder={words.caption}
            aria-label={words.caption}
            maxLength={1024}
            onInput={({ currentTarget }) => setCaption(currentTarget.value)}
          />
        )}
        <footer>
          <button type="button" class="text-button" onClick={() => more.current?.click()}>
            {words.addMore}
          </button>
          <span class="space" />
          <button type="button" class="text-button" onClick={close}>
            {words.cancel}
          </button>
          <button type="submit" class="main-button" autofocus>
            {words.send}
          </button>
        </footer>
        <input
          ref={more}
          hidden
          type="file"
          multiple
          aria-label={words.addMore}
          onChange={({ currentTarget }) => {
            setFiles([...files, ...(currentTarget.files ?? [])]);
            currentTarget.value = '';
          }}
        />
      </form>
    </Dialog>
  );
}

function kindName(kind: SentAs, words: Words): string {
  const names = {
    photo: words.photo,
    file: words.file,
    voice: words.voice,
    audio: words.audio,
    video: words.video,
    video_note: words.videoNote,
  };
  return names[kind];
}

function Picked(props: {
  file: File;
  isPicture: boolean;
  label: string;
  language: Language;
  remove: () => void;
}) {
  const { file, isPicture, label, language, remove } = props;
  const url = useMemo(() => (isPicture ? URL.createObjectURL(file) : undefined), [file, isPicture]);
  useEffect(
    () => () => {
      if (url !== undefined) URL.revokeObjectURL(url);
    },
    [url],
  );
  return (
    <div class="picked-one">
      {url === undefined ? (
        <>
          <span class="file-sign">
            <Icon name="file" size={22} />
          </span>
          <span class="file-facts">
            <span class="file-name">{file.name}</span>
            <span class="file-size">{showSize(file.size, language)}</span>
          </span>
        </>
      ) : (
        <img src={url} alt={file.name} loading="lazy" decoding="async" />
      )}
      <button type="button" class="picked-remove" aria-label={label} onClick={remove}>
        <Icon name="close" size={14} />
      </button>
    </div>
  );
}
