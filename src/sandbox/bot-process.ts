import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { BotProcessState } from './page/wire.ts';

/** What to run, and how to know that it serves. */
export interface BotProcessOptions {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The whole environment: nothing of ours leaks in. */
  readonly env: Readonly<Record<string, string>>;
  /** Found in the output as soon as the bot serves. */
  readonly readyPattern: RegExp;
  /** Gets everything the process writes. */
  readonly onOutput?: (text: string) => void;
  /** Pause before a restart; doubled after each start that came to nothing. 300 ms by default. */
  readonly restartMs?: number;
}

type BotProcessEvents = { change: []; message: [message: unknown] };

/** A program kept alive as a child of this process. */
export interface BotProcess {
  readonly state: BotProcessState;
  /** `change` comes after every change of the state, `message` with what the process says over the IPC channel. */
  readonly events: EventEmitter<BotProcessEvents>;
  /** Kills it with SIGKILL, as a power cut would; it is started again. */
  kill(): void;
  /** Passes a message over the IPC channel; false when nobody is there to get it. */
  send(message: object): boolean;
  /** Ends it with SIGTERM for good; what does not end within 12 s is killed. */
  stop(): Promise<void>;
}

const maxRestartMs = 10_000;
const stopPatienceMs = 12_000;
/** A line that names the ready pattern may come in pieces. */
const keptOutput = 2_000;

/** Starts the program at once and again whenever it ends. */
export function startBotProcess(options: BotProcessOptions): BotProcess {
  const { command, env, readyPattern, onOutput = () => {}, restartMs = 300 } = options;
  const events = new EventEmitter<BotProcessEvents>();
  let state: BotProcessState = { phase: 'starting', restarts: 0, sinceMs: Date.now() };
  let child: ChildProcess | undefined;
  let pauseMs = restartMs;
  let timer: NodeJS.Timeout | undefined;
  let isStopping = false;

  function enter(next: Partial<BotProcessState>): void {
    state = { ...state, ...next, sinceMs: Date.now() };
    events.emit('change');
  }

  function start(): void {
    const [program, ...args] = command;
    const started = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    child = started;
    let output = '';
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        onOutput(text);
        output = (output + text).slice(-keptOutput);
        if (state.phase === 'running' || isStopping || !readyPattern.test(output)) return;
        pauseMs = restartMs;
        const { problem: _solved, ...rest } = state;
        state = rest;
        enter({ phase: 'running', ...(started.pid === undefined ? {} : { pid: started.pid }) });
      });
    }
    started.on('message', (message) => events.emit('message', message));
    started.once('error', (error) => onOutput(`${error.message}\n`));
    // Not `exit`: a program that could not be started has none.
    started.once('close', () => end(output));
  }

  function end(output: string): void {
    child = undefined;
    const wasRunning = state.phase === 'running';
    const { pid: _gone, ...rest } = state;
    state = rest;
    if (isStopping) {
      enter({ phase: 'stopped' });
      return;
    }
    const problem = lastLine(output);
    enter({
      phase: 'restarting',
      restarts: state.restarts + 1,
      ...(wasRunning || problem === '' ? {} : { problem }),
    });
    timer = setTimeout(start, pauseMs);
    pauseMs = wasRunning ? restartMs : Math.min(pauseMs * 2, maxRestartMs);
  }

  start();
  return {
    get state() {
      return state;
    },
    events,
    kill: () => void child?.kill('SIGKILL'),
    send(message) {
      if (child?.connected !== true || state.phase !== 'running') return false;
      return child.send(message, () => {});
    },
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      const running = child;
      if (running === undefined) return void enter({ phase: 'stopped' });
      const ended = new Promise((resolve) => running.once('close', resolve));
      running.kill('SIGTERM');
      const force = setTimeout(() => running.kill('SIGKILL'), stopPatienceMs);
      await ended;
      clearTimeout(force);
    },
  };
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}
