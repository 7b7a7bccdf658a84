import { z } from 'zod';
import type { PredictionStatus } from '../provider.ts';

const taskSchema = z.object({
  status: z.string(),
  result: z.object({ sample: z.string().min(1).nullish() }).nullish(),
});

/**
 * What the answer to a look at a task says, in our words; `unknown` when there is no such task, undefined
 * when it is no answer. A status yet unknown to us counts as running.
 */
export function readTask(body: unknown): PredictionStatus | 'unknown' | undefined {
  const task = taskSchema.safeParse(body).data;
  switch (task?.status) {
    case undefined:
      return undefined;
    case 'Task not found':
      return 'unknown';
    case 'Ready':
      // A URL that lives for ten minutes.
      return task?.result?.sample
        ? { kind: 'succeeded', output: task.result.sample }
        : { kind: 'failed', failure: { kind: 'output_lost' } };
    case 'Request Moderated':
    case 'Content Moderated':
      return { kind: 'failed', failure: { kind: 'moderation' } };
    case 'Error':
    case 'Failed':
      return { kind: 'failed', failure: { kind: 'provider_error' } };
    default:
      return { kind: 'running' };
  }
}
