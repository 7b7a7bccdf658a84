const radius = 17;
const around = 2 * Math.PI * radius;

/** A ring that closes from 0 to 1. */
export function ProgressRing({ progress }: { progress: number }) {
  return (
    <svg
      class="progress-ring"
      width="40"
      height="40"
      viewBox="0 0 40 40"
      role="progressbar"
      aria-valuenow={Math.round(progress * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <circle
        cx="20"
        cy="20"
        r={radius}
        fill="none"
        stroke="currentColor"
        stroke-width="3"
        stroke-linecap="round"
        stroke-dasharray={`${Math.max(0.04, progress) * around} ${around}`}
        transform="rotate(-90 20 20)"
      />
    </svg>
  );
}
