/** What goes wrong with a call of a Bot API method. */
export type CallFaultKind =
  /** Refused by flood control. */
  | { kind: '429'; retryAfter: number }
  /** Telegram is broken; 502 unless told otherwise. */
  | { kind: '5xx'; status?: number }
  /** The connection is cut before the call is handled. */
  | { kind: 'reset' }
  /** The call is handled, then the connection is cut instead of the answer. */
  | { kind: 'reset-after' }
  | { kind: 'delay'; ms: number }
  /** Never answered. */
  | { kind: 'hang' };

/** A {@link CallFaultKind} and where it strikes. */
export type CallFault = CallFaultKind & {
  /** Without it every method but `getUpdates` is struck. */
  method?: string | RegExp;
  /** How many calls are struck; 1 by default. */
  times?: number;
};

/** What goes wrong with a download from `/file/`. */
export type DownloadFault = (
  | { kind: '404' }
  /** Half of the promised bytes, then the connection is cut. */
  | { kind: 'truncate' }
  /** The file drips in 16 kB pieces, one each `ms` (50 by default). */
  | { kind: 'slow'; ms?: number }
  | { kind: 'reset' }
) & { times?: number };

/** The faults waiting to strike; each strikes `times` times, in the order they were added. */
export interface Faults {
  add(fault: CallFault): void;
  addDownload(fault: DownloadFault): void;
  clear(): void;
  /** How many strikes are still to come. */
  readonly pending: number;
  /** How many of them are at downloads. */
  readonly downloads: number;
}

/** The server's side of {@link Faults}. */
export interface FaultSource extends Faults {
  takeForCall(method: string): CallFault | undefined;
  takeForDownload(): DownloadFault | undefined;
}

interface Armed<F> {
  readonly fault: F;
  timesLeft: number;
}

/** Creates an empty list of faults. */
export function createFaults(): FaultSource {
  let calls: Armed<CallFault>[] = [];
  let downloads: Armed<DownloadFault>[] = [];

  function strike<F>(armed: Armed<F> | undefined): F | undefined {
    if (armed === undefined) return undefined;
    armed.timesLeft -= 1;
    calls = calls.filter((one) => one.timesLeft > 0);
    downloads = downloads.filter((one) => one.timesLeft > 0);
    return armed.fault;
  }
  function matches({ method }: CallFault, called: string): boolean {
    if (method === undefined) return called !== 'getUpdates';
    return typeof method === 'string' ? method === called : method.test(called);
  }

  return {
    add: (fault) => void calls.push({ fault, timesLeft: fault.times ?? 1 }),
    addDownload: (fault) => void downloads.push({ fault, timesLeft: fault.times ?? 1 }),
    clear() {
      calls = [];
      downloads = [];
    },
    get pending() {
      return countStrikes([...calls, ...downloads]);
    },
    get downloads() {
      return countStrikes(downloads);
    },
    takeForCall: (method) => strike(calls.find((one) => matches(one.fault, method))),
    takeForDownload: () => strike(downloads[0]),
  };
}

function countStrikes(armed: readonly { readonly timesLeft: number }[]): number {
  return armed.reduce((sum, { timesLeft }) => sum + timesLeft, 0);
}
