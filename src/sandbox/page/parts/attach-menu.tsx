import { useRef } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import type { Words } from '../words.ts';
import { Icon } from './icons.tsx';
import { PopupMenu } from './popup-menu.tsx';

/** Photos, files, or the samples. */
export function AttachMenu({ words, act }: { words: Words; act: Actions }) {
  const photos = useRef<HTMLInputElement>(null);
  const files = useRef<HTMLInputElement>(null);
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
        class="hidden"
        type="file"
        accept="image/*"
        multiple
        tabIndex={-1}
        aria-label={words.attachPhoto}
        onChange={onPicked('photo')}
      />
      <input
        ref={files}
        class="hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label={words.attachFile}
        onChange={onPicked('file')}
      />
    </>
  );
}
