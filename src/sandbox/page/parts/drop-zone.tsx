import { useEffect, useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import type { Words } from '../words.ts';
import { Icon } from './icons.tsx';

/** Appears while files are dragged over the page: above for photos, below for files. */
export function DropZone({ words, act }: { words: Words; act: Actions }) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    // Every child that is entered comes before the one that is left.
    let depth = 0;
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const onEnter = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      depth += 1;
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const onOver = (event: DragEvent) => event.preventDefault();
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      depth = 0;
      setOver(false);
      const { target } = event;
      const zone = target instanceof Element ? target.closest<HTMLElement>('[data-as]') : null;
      const files = [...(event.dataTransfer?.files ?? [])];
      const as = zone?.dataset['as'] === 'file' ? 'file' : 'photo';
      if (files.length > 0) act.show({ kind: 'send', files, as });
    };
    addEventListener('dragenter', onEnter);
    addEventListener('dragleave', onLeave);
    addEventListener('dragover', onOver);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragenter', onEnter);
      removeEventListener('dragleave', onLeave);
      removeEventListener('dragover', onOver);
      removeEventListener('drop', onDrop);
    };
  }, [act]);
  if (!isOver) return null;
  return (
    <div class="drop-zone">
      <div class="drop-target" data-as="photo">
        <Icon name="photo" size={44} />
        <b>{words.dropPhotos}</b>
        <span>{words.dropPhotosHow}</span>
      </div>
      <div class="drop-target" data-as="file">
        <Icon name="file" size={44} />
        <b>{words.dropFiles}</b>
        <span>{words.dropFilesHow}</span>
      </div>
    </div>
  );
}
