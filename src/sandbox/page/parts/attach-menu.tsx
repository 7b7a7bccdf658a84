import { useRef } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import type { Words } from '../words.ts';
import { Icon } from './icons.tsx';
import { PopupMenu } from './popup-menu.tsx';

/** Photos, files, sounds and videos, or the samples. */
export function AttachMenu({ words, act }: { words: Words; act: Actions }) {
  const photos = useRef<HTMLInputElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const media = useRef<HTMLInputElement>(null);
  const onPicked =
    (as: 'photo' | 'file') => (event: Event & { currentTarget: HTMLInputElement }) => {
      const picked = [...(event.currentTarget.files ?? [])];
      event.currentTarget.value = '';
      if (picked.length > 0) act.show({ kind: 'send', files: picked, as });
    };
  return (
    <>
      <PopupMenu
        label={words.attach}
        class="round"
        items={[
          { icon: 'photo', label: words.attachPhoto, choose: () => photos.current?.click() },
          { icon: 'file', label: words.attachFile, choose: () => files.current?.click() },
          { icon: 'voice', label: words.attachMedia, choose: () => media.current?.click() },
          {
            icon: 'samples',
            label: words.attachSamples,
            choose: () => act.set({ areSamplesOpen: true }),
          },
        ]}
      >
        <Icon name="attach" />
      </PopupMenu>
      <input
        ref={photos}
        hidden
        type="file"
        accept="image/*"
        multiple
        aria-label={words.attachPhoto}
        onChange={onPicked('photo')}
      />
      <input
        ref={files}
        hidden
        type="file"
        multiple
        aria-label={words.attachFile}
        onChange={onPicked('file')}
      />
      <input
        ref={media}
        hidden
        type="file"
        accept="audio/*,video/*"
        multiple
        aria-label={words.attachMedia}
        onChange={onPicked('photo')}
      />
    </>
  );
}
