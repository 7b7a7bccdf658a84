import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const QUICK_START = join(import.meta.dirname, 'quick-start.ts');

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** Everything written so far, standard output and error together. */
  output(): string;
  /**
   * Resolves with the first match in the output, past or future.
   * @throws when the process ends first, or after `timeoutMs`; the message holds the output.
   */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  readonly exited: Promise<Exit>;
}

/**
 * Starts a TypeScript file under the running Node, as a real process.
 * @param options.env the whole environment beside what every program needs: nothing else leaks in.
 */
export function startProcess(
  file: string,
  options: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  } = {},
): RunningProcess {
  const args = ['--import', QUICK_START, file, ...(options.args ?? [])];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...kept(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (child.pid === undefined) throw new Error(`Could not start ${file}`);
  const { pid } = child;

  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal });
      for (const listener of listeners) listener();
    });
  });

  return {
    pid,
    output: () => output,
    exited,
    waitFor(pattern, timeoutMs = 20_000) {
      return new Promise((resolve, reject) => {
        const fail = (why: string) => {
          stop();
          reject(new Error(`${why} before ${pattern} appeared in the output:\n${output}`));
        };
        const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
        const stop = () => {
          clearTimeout(timer);
          listeners.delete(look);
        };
        const look = () => {
          const match = new RegExp(pattern).exec(output);
          if (match) {
            stop();
            resolve(match);
          } else if (hasEnded(child)) fail('The process ended');
        };
        listeners.add(look);
        look();
      });
    },
    async kill(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return (child.exitCode !== null || child.signalCode !== null) && child.stdout?.closed === true;
}

function kept(): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}
