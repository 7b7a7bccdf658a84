/** Work that is done again and again, and never twice at the same time. */
export interface Loop {
  /** Begins, with a first run at once. */
  start(): void;
  /** Runs it as soon as possible; asked for during a run, once more after it. */
  kick(): void;
  /** Begins no further run and waits for the one that is going on. */
  stop(): Promise<void>;
}

/** @param deps.everyMs pause between the beginnings of two runs. */
export function createLoop(deps: {
  readonly everyMs: number;
  readonly work: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let wanted = false;

  async function run(): Promise<void> {
    while (wanted && timer) {
      wanted = false;
      await deps.work().catch(deps.onError);
    }
  }

  function kick(): void {
    wanted = true;
    if (!timer || running) return;
    running = run().finally(() => {
      running = undefined;
    });
  }

  return {
    start() {
      timer = setInterval(kick, deps.everyMs);
      kick();
    },
    kick,
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await running;
    },
  };
}
