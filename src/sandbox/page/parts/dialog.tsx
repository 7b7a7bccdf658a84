import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Something over the page that has the keyboard to itself; Escape and a press beside it close it. */
export function Dialog(props: {
  class?: string;
  label: string;
  close: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    if (current?.open === false) current.showModal();
    return () => current?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the key for it, and the dialog's own
    <dialog
      ref={dialog}
      class={props.class ?? 'box'}
      aria-label={props.label}
      onCancel={(event) => {
        event.preventDefault();
        props.close();
      }}
      onClick={({ target, currentTarget }) => {
        if (target === currentTarget) props.close();
      }}
    >
      {props.children}
    </dialog>
  );
}
