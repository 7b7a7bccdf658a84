import { type Failure, retryPolicy } from '../domain/failure.ts';
import type { ChatPort } from './chat-port.ts';
import { pauseAfter } from './pause-after.ts';
import type { Watch } from './watch.ts';

/**
 * One door to the provider for all steps. When it says that it takes nothing now (no credit, bad token,
 * rate limit), everybody waits at the door instead of each asking on their own; nothing counts as an attempt.
 */
export interface ProviderGate {
  /** Whether the door is open; if not, waits for it, or until the topic is woken. */
  open(topic: string, signal: AbortSignal): Promise<boolean>;
  /** Waits after a failure, the `tries`-th in a row; closes the door for everybody where it concerns everybody. */
  pause(failure: Failure, tries: number, topic: string, signal: AbortSignal): Promise<void>;
  succeeded(): void;
  /** Nothing that comes could be kept: nothing more is asked for, for so many milliseconds. */
  hold(ms: number): void;
  /** Whether the operator has to act before anything renders. */
  isShut(): boolean;
}

/** @param deps.retryMs the first pause; each further one is twice as long, up to a minute. */
export function createProviderGate(deps: {
  readonly retryMs: number;
  readonly watch: Watch;
  readonly chat: Pick<ChatPort, 'alarm'>;
}): ProviderGate {
  let closedUntil = 0;
  let shut = false;
  let heldUntil = 0;
  return {
    async open(topic, signal) {
      const left = Math.max(closedUntil, heldUntil) - Date.now();
      if (left > 0) await deps.watch.sleep(topic, left, signal);
      return left <= 0;
    },

    async pause(failure, tries, topic, signal) {
      const pause = pauseAfter(failure, tries, deps.retryMs);
      if (retryPolicy(failure.kind) === 'wait') closedUntil = Date.now() + pause;
      if (failure.kind === 'out_of_credit' || failure.kind === 'unauthorized') {
        shut = true;
        const kind = failure.kind === 'out_of_credit' ? 'out_of_credit' : 'provider_unauthorized';
        await deps.chat.alarm({ kind });
      }
      await deps.watch.sleep(topic, pause, signal);
    },

    succeeded() {
      closedUntil = 0;
      shut = false;
    },

    hold(ms) {
      heldUntil = Date.now() + ms;
    },

    isShut: () => shut || Date.now() < heldUntil,
  };
}
