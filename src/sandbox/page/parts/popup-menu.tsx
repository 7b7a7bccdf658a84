import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icons.tsx';

export interface MenuItem {
  readonly icon: IconName;
  readonly label: string;
  readonly isDangerous?: boolean;
  readonly choose: () => void;
}

/** A button that opens a menu; arrows move in it, Escape and a press elsewhere close it. */
export function PopupMenu(props: {
  label: string;
  class: string;
  items: readonly MenuItem[];
  children: ComponentChildren;
}) {
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!isOpen) return;
    list.current?.querySelector('button')?.focus();
    const onPress = ({ target }: Event) => {
      if (target instanceof Node && !frame.current?.contains(target)) setOpen(false);
    };
    document.addEventListener('pointerdown', onPress);
    return () => document.removeEventListener('pointerdown', onPress);
  }, [isOpen]);

  function close(): void {
    setOpen(false);
    button.current?.focus();
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (!isOpen) return;
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.stopPropagation();
      close();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const items = [...(list.current?.querySelectorAll('button') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    items[(at + step + items.length) % items.length]?.focus();
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys bubble up from the items
    <div class="popup" ref={frame} onKeyDown={onKeyDown}>
      <button
        type="button"
        ref={button}
        class={props.class}
        aria-label={props.label}
        title={props.label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {props.children}
      </button>
      {isOpen && (
        <div class="popup-list" role="menu" ref={list} aria-label={props.label}>
          {props.items.map(({ icon, label, isDangerous, choose }) => (
            <button
              type="button"
              role="menuitem"
              key={label}
              class={isDangerous === true ? 'dangerous' : ''}
              onClick={() => {
                close();
                choose();
              }}
            >
              <Icon name={icon} size={20} />
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
