/** A worker's right to have one prediction running at the provider. */
export interface Slot {
  /** Gives it away, when the provider has nothing to do for this worker any more, or for now. Harmless when repeated. */
  release(): void;
  /**
   * Has it again: at once when it was not given away, or a worker that only looks for a job can spare
   * its own; else in the order of asking, and before any new job.
   * @throws the signal's reason.
   */
  take(signal: AbortSignal): Promise<void>;
}

/** Does one job with a slot, and gives back what `job` still holds of it. */
export type RunInSlot = <T>(job: (slot: Slot) => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Lets a worker go: it ends the job it may have, and takes no other. */
export type Dismiss = () => void;

export interface SlotOptions {
  /** How many slots there are. */
  readonly size: number;
  /** How many workers there may be beside those with a slot: they end what needs no provider. */
  readonly spare: number;
  /** Begins a worker that takes one job after the other, each through `run`. */
  hire(run: RunInSlot): Dismiss;
}

interface Worker {
  hasSlot: boolean;
  isDismissed: boolean;
  dismiss: Dismiss;
}

/**
 * Shares a fixed number of slots among workers, one of which looks for a job while the others have one. A
 * job is looked for only with a slot in hand, so it is chosen as late as can be and none lies here while
 * another process could do it. When too many workers are busy without a slot, nobody looks until one of
 * them is done.
 */
export function shareSlots({ size, spare, hire }: SlotOptions): void {
  let free = size;
  let workers = 0;
  const idle = new Set<Worker>();
  const waiting = new Set<() => void>();

  /** One that looks is enough, since whoever finds a job calls the next: each look is work for the database. */
  function hireForFree(): void {
    if (idle.size === 0 && free > 0 && workers < size + spare) {
      free -= 1;
      workers += 1;
      const worker: Worker = { hasSlot: true, isDismissed: false, dismiss: () => undefined };
      idle.add(worker);
      worker.dismiss = hire((job, signal) => runJob(worker, job, signal));
    }
  }

  async function runJob<T>(
    worker: Worker,
    job: (slot: Slot) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    idle.delete(worker);
    // Its slot was taken from it while its job was on its way.
    if (worker.isDismissed) workers += 1;
    hireForFree();
    const slot: Slot = {
      release: () => giveAway(worker),
      take: (stop) => take(worker, stop),
    };
    try {
      await slot.take(signal);
      return await job(slot);
    } finally {
      afterJob(worker);
    }
  }

  function afterJob(worker: Worker): void {
    if (worker.isDismissed || waiting.size > 0 || idle.size > 0) giveAway(worker);
    else if (!worker.hasSlot && free > 0) {
      free -= 1;
      worker.hasSlot = true;
    }
    if (worker.hasSlot) idle.add(worker);
    else letGo(worker);
    hireForFree();
  }

  function letGo(worker: Worker): void {
    workers -= 1;
    if (worker.isDismissed) return;
    worker.isDismissed = true;
    worker.dismiss();
  }

  function giveAway(worker: Worker): void {
    if (!worker.hasSlot) return;
    worker.hasSlot = false;
    const [next] = waiting;
    if (next) next();
    else free += 1;
    hireForFree();
  }

  async function take(worker: Worker, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (worker.hasSlot) return;
    const spared = [...idle].at(-1);
    if (free > 0) free -= 1;
    else if (spared) {
      idle.delete(spared);
      spared.hasSlot = false;
      letGo(spared);
    } else await inLine(signal);
    worker.hasSlot = true;
  }

  /** Ends with a slot that was handed over. */
  function inLine(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(serve);
        signal.removeEventListener('abort', quit);
      };
      const serve = () => {
        leave();
        resolve();
      };
      const quit = () => {
        leave();
        reject(signal.reason);
      };
      waiting.add(serve);
      signal.addEventListener('abort', quit);
    });
  }

  hireForFree();
}
