import { Worker } from 'node:worker_threads';
import type { DrawAnswers, DrawReply, DrawTask } from './draw-worker.ts';

/** Threads that do the sums of a morph. A thread that breaks takes the process down with it. */
export interface DrawThreads {
  readonly count: number;
  /**
   * Performs a task on the first thread that is free, in the order asked.
   * @throws Error when the task itself fails, or after `stop`.
   */
  run<K extends DrawTask['kind']>(
    task: Extract<DrawTask, { readonly kind: K }>,
  ): Promise<DrawAnswers[K]>;
  stop(): Promise<void>;
}

interface Ticket {
  readonly task: DrawTask;
  settle(reply: DrawReply): void;
}

/** A thread makes little garbage but frames, which are not counted here; V8 would take several times as much. */
const YOUNG_GENERATION_MB = 8;

/** @see DrawThreads */
export function createDrawThreads(count: number): DrawThreads {
  const waiting: Ticket[] = [];
  const current = new Map<Worker, Ticket>();
  const workers = Array.from({ length: count }, start);

  return {
    count,

    run: (task) =>
      new Promise((resolve, reject) => {
        const settle = (reply: DrawReply) => {
          if ('error' in reply) reject(new Error(reply.error));
          // A thread answers what it was asked.
          else resolve(reply.answer as DrawAnswers[typeof task.kind]);
        };
        waiting.push({ task, settle });
        workers.forEach(feed);
      }),

    async stop() {
      const open = [...current.values(), ...waiting.splice(0)];
      current.clear();
      await Promise.all(workers.map((worker) => worker.terminate()));
      for (const { settle } of open) settle({ error: 'The threads were stopped' });
    },
  };

  function start(): Worker {
    const worker = new Worker(new URL('./draw-worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    worker.on('message', (reply: DrawReply) => {
      const ticket = current.get(worker);
      current.delete(worker);
      ticket?.settle(reply);
      feed(worker);
    });
    return worker;
  }

  function feed(worker: Worker): void {
    if (current.has(worker)) return;
    const ticket = waiting.shift();
    if (!ticket) return;
    current.set(worker, ticket);
    worker.postMessage(ticket.task);
  }
}
