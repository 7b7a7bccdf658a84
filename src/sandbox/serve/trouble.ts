import { z } from 'zod';
import type { BotApiServer } from '../bot-api-server.ts';
import type { BotProcess } from '../bot-process.ts';
import type { FaultName, TroubleToCome } from '../page/wire.ts';

/** What the process says of a step that it was asked to fail. */
const struckStep = z.object({ fault: z.literal('provider'), struck: z.string() });

/** Trouble that is ordered from the page. */
export interface Trouble {
  /** Its parts that are still to strike. */
  readonly toCome: TroubleToCome;
  order(name: FaultName): void;
  /** Nothing strikes any more. */
  callOff(): void;
  /** Does not listen to the process any more. */
  close(): void;
}

/**
 * Creates a calm world. What is to fail at the provider is counted here, since the process that lets it fail may be
 * killed: the next one hears of it.
 */
export function createTrouble({
  telegram,
  bot,
}: {
  readonly telegram: Pick<BotApiServer, 'faults'>;
  readonly bot: Pick<BotProcess, 'state' | 'events' | 'send'>;
}): Trouble {
  const { faults } = telegram;
  let steps = 0;
  /** Steps that have begun to fail, in words of the process. */
  const struck = new Set<string>();
  let isRunning = bot.state.phase === 'running';

  const wish = (times: number, begun: readonly string[] = []) =>
    void bot.send({ fault: 'provider', times, struck: begun });

  const onChange = () => {
    const wasRunning = isRunning;
    isRunning = bot.state.phase === 'running';
    if (isRunning && !wasRunning && steps + struck.size > 0) wish(steps, [...struck]);
  };
  const onMessage = (message: unknown) => {
    const told = struckStep.safeParse(message);
    if (!told.success) return;
    steps = Math.max(0, steps - 1);
    struck.add(told.data.struck);
  };
  bot.events.on('change', onChange).on('message', onMessage);

  return {
    get toCome() {
      const { downloads } = faults;
      return { calls: faults.pending - downloads, downloads, steps };
    },
    order(name) {
      switch (name) {
        case 'slow':
          faults.add({ kind: 'delay', ms: 1_500, times: 15 });
          faults.addDownload({ kind: 'slow', ms: 150, times: 10 });
          return;
        case 'cut':
          faults.add({ kind: 'reset', times: 3 });
          faults.add({ kind: 'reset-after', times: 1 });
          faults.addDownload({ kind: 'truncate', times: 2 });
          return;
        case 'flood':
          faults.add({ kind: '429', retryAfter: 3, times: 2 });
          return;
        case 'provider':
          steps += 1;
          wish(1);
          return;
      }
    },
    callOff() {
      faults.clear();
      steps = 0;
      struck.clear();
      wish(0);
    },
    close() {
      bot.events.off('change', onChange).off('message', onMessage);
    },
  };
}
