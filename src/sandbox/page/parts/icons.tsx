/** Drawings of 24 × 24; what they mean is said by the button around them. */
const paths = {
  attach:
    'M18.5 11.4l-7.2 7.2a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-7.9 7.9a1.5 1.5 0 0 1-2.2-2.2l6.6-6.6',
  send: 'M3.4 20.4l18-8.4-18-8.4 1.2 6.6L14 12l-9.4 1.8z',
  menu: 'M4 7h16M4 12h16M4 17h16',
  more: 'M12 6h.01M12 12h.01M12 18h.01',
  back: 'M20 12H5M11 6l-6 6 6 6',
  close: 'M6 6l12 12M18 6L6 18',
  down: 'M6 9l6 6 6-6',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  play: 'M8 5.5v13l11-6.5z',
  pause: 'M8 5v14M16 5v14',
  check: 'M4 12.5l5 5L20 6.5',
  photo: 'M4 6h16v12H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  file: 'M7 3h7l5 5v13H7zM14 3v5h5',
  samples: 'M8 4h12v12H8zM4 8v12h12M8 13l3-3 3 3 2-2 4 4',
  voice: 'M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21',
  keyboard: 'M3 7h18v11H3zM7 11h.01M11 11h.01M15 11h.01M8 15h8',
  link: 'M7 17L17 7M9 7h8v8',
  pay: 'M4 7h16v11H4zM4 11h16',
  trouble: 'M13 3L5 14h6l-1 7 8-11h-6z',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  plus: 'M12 5v14M5 12h14',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 1.5',
  alert: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v5M12 16h.01',
  block: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM6.5 6.5l11 11',
  clear: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13',
} as const;

const filled: readonly string[] = ['send', 'play', 'trouble'];

export type IconName = keyof typeof paths;

export function Icon({ name, size = 24 }: { name: IconName; size?: number }) {
  const isFilled = filled.includes(name);
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={isFilled ? 'currentColor' : 'none'}
      stroke={isFilled ? 'none' : 'currentColor'}
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}

/** Telegram's sign for its Stars. */
export function StarIcon({ size = 20 }: { size?: number }) {
  return (
    <svg class="star" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path
        d="M12 2.2c.5 0 .9.3 1.1.8l2.2 5 5.4.6c1.1.1 1.5 1.4.7 2.1l-4 3.7 1.1 5.4c.2 1-.9 1.8-1.8 1.3L12 18.3l-4.7 2.8c-.9.5-2-.3-1.8-1.3l1.1-5.4-4-3.7c-.8-.7-.4-2 .7-2.1l5.4-.6 2.2-5c.2-.5.6-.8 1.1-.8z"
        fill="#ffb31a"
        stroke="#ef8e00"
        stroke-width=".8"
      />
    </svg>
  );
}

/** One tick for sent, two for read by the bot. */
export function Ticks({ isTaken }: { isTaken: boolean }) {
  return (
    <svg class="ticks" width="18" height="11" viewBox="0 0 18 11" fill="none" aria-hidden="true">
      <g stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
        <path d="M1 6l3.6 3.6L11.5 1.5" />
        {isTaken && <path d="M8.2 9.1l.5.5L16 1.5" />}
      </g>
    </svg>
  );
}
