import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { FfmpegError } from '../ffmpeg.ts';
import type {
  EngineAnswers,
  EngineFailure,
  EngineMessage,
  EngineRequest,
  EngineTask,
} from './engine-messages.ts';

const STOP_TIMEOUT_MS = 3000;
const STDERR_TAIL_BYTES = 2000;
const YOUNG_HALF_MB = 4;

/** The engine's process has ended before it answered. */
export class EngineDiedError extends Error {
  constructor(how: string, lastWords: string) {
    super(lastWords ? `The morph engine ${how}: ${lastWords}` : `The morph engine ${how}`);
    this.name = 'EngineDiedError';
  }
}

/** The engine could not do what it was asked; asking again would not help. */
export class EngineBrokenError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EngineBrokenError';
  }
}

/**
 * The process the engine lives in. It is started by the first request and let go when it has been idle; it
 * never keeps this process alive, and ends with it.
 */
export interface EngineProcess {
  /**
   * @param limits.timeoutMs a process that has not answered by then hangs, and is killed.
   * @throws EngineDiedError, EngineBrokenError or FfmpegError; an abort rejects with the signal's reason, once
   * the work has ended.
   */
  request<K extends EngineTask['kind']>(
    task: Extract<EngineTask, { readonly kind: K }>,
    limits: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<EngineAnswers[K]>;
  /** Ends the process; requests that are open or come later are rejected. */
  stop(): Promise<void>;
}

export interface EngineProcessDeps {
  /** How long the process is kept without a request. */
  readonly idleMs: number;
  readonly modelsDirectory?: string | undefined;
  readonly onDetectionUnavailable: (reason: string) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly open: Map<number, Ticket>;
  idle?: NodeJS.Timeout;
}

interface Ticket {
  resolve(answer: EngineAnswers[EngineTask['kind']]): void;
  reject(error: unknown): void;
}

/** @see EngineProcess */
export function createEngineProcess(deps: EngineProcessDeps): EngineProcess {
  const ending = new Set<Promise<unknown>>();
  let current: Running | undefined;
  let stopped = false;
  let lastId = 0;

  return {
    async request(task, { timeoutMs, signal }) {
      signal?.throwIfAborted();
      if (stopped) throw new Error('The morph engine was stopped');
      current ??= start();
      const running = current;
      lastId += 1;
      const id = lastId;
      const cancel = () => send(running, { id, cancel: true });
      setBusy(running);
      signal?.addEventListener('abort', cancel, { once: true });
      const deadline = setTimeout(() => running.child.kill('SIGKILL'), timeoutMs).unref();
      try {
        return await new Promise((resolve, reject) => {
          // A task is answered with its own kind of answer.
          const ticket = { resolve: resolve as Ticket['resolve'], reject };
          running.open.set(id, ticket);
          send(running, { id, task });
        });
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      } finally {
        clearTimeout(deadline);
        signal?.removeEventListener('abort', cancel);
        running.open.delete(id);
        if (running.open.size === 0) setIdle(running);
      }
    },

    async stop() {
      stopped = true;
      current?.child.ref();
      if (current) letGo(current, new Error('The morph engine was stopped'));
      await Promise.all(ending);
    },
  };

  function start(): Running {
    const file = fileURLToPath(new URL('./engine-worker.ts', import.meta.url));
    const child = fork(file, deps.modelsDirectory ? [deps.modelsDirectory] : [], {
      serialization: 'advanced',
      // Ours may ask for a debugger or a test runner; what is young in the engine is mostly pictures, which
      // are not counted here.
      execArgv: [`--max-semi-space-size=${YOUNG_HALF_MB}`, '--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const running: Running = { child, open: new Map() };
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-STDERR_TAIL_BYTES);
    });
    child.on('message', (message: EngineMessage) => hear(running, message));
    const ended = new Promise<void>((resolve) => {
      const finish = (how: string) => {
        end(running, new EngineDiedError(how, lastWords.trim()));
        resolve();
      };
      child.once('exit', (code, signal) => finish(`was ended by ${signal ?? `code ${code}`}`));
      // Also told of what could not be sent: then the process is at its end, and `exit` follows.
      child.on('error', ({ message }) => {
        if (child.pid === undefined) finish(`could not be started (${message})`);
      });
    });
    ending.add(ended);
    void ended.then(() => ending.delete(ended));
    return running;
  }

  function hear(running: Running, message: EngineMessage): void {
    if ('detectionUnavailable' in message) {
      deps.onDetectionUnavailable(message.detectionUnavailable);
      return;
    }
    const ticket = running.open.get(message.id);
    if ('failure' in message) ticket?.reject(toError(message.failure));
    else ticket?.resolve(message.answer);
  }

  function end(running: Running, reason: Error): void {
    if (current === running) current = undefined;
    clearTimeout(running.idle);
    for (const ticket of running.open.values()) ticket.reject(reason);
    running.open.clear();
  }

  /** The process ends itself once nobody listens; one that does not is killed. */
  function letGo(running: Running, reason: Error): void {
    end(running, reason);
    const { child } = running;
    if (child.connected) child.disconnect();
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS).unref();
    child.once('exit', () => clearTimeout(kill));
  }

  function setBusy({ child, idle }: Running): void {
    clearTimeout(idle);
    child.ref();
    child.channel?.ref();
  }

  function setIdle(running: Running): void {
    const { child } = running;
    child.unref();
    child.channel?.unref();
    if (child.stderr instanceof Socket) child.stderr.unref();
    running.idle = setTimeout(() => letGo(running, new Error('idle')), deps.idleMs).unref();
  }
}

function send({ child }: Running, request: EngineRequest): void {
  if (child.connected) child.send(request, () => {});
}

function toError(failure: EngineFailure): Error {
  switch (failure.kind) {
    case 'cancelled':
      return new Error('The morph was cancelled');
    case 'ffmpeg':
      return new FfmpegError(failure.error, failure.message);
    case 'broken':
      return new EngineBrokenError(failure.message);
  }
}
