/** How waiting for the bot's answer ended. */
export type QueryEnd<A> =
  | { readonly kind: 'answered'; readonly answer: A }
  | { readonly kind: 'unanswered' }
  /** The server was closed meanwhile. */
  | { readonly kind: 'closed' };

/** Queries put to the bot that wait for its answer. */
export interface PendingQueries<A> {
  /** Registers a query; the promise always resolves, after `timeoutMs` at the latest. */
  open(timeoutMs: number): { readonly id: string; readonly ended: Promise<QueryEnd<A>> };
  /** Returns false for an unknown, expired or already answered query. */
  answer(id: string, answer: A): boolean;
  /** Ends everything still open. */
  close(): void;
}

/** Creates an empty list of queries. */
export function createPendingQueries<A>(): PendingQueries<A> {
  const open = new Map<string, (end: QueryEnd<A>) => void>();
  let counter = BigInt(Date.now()) << 20n;

  return {
    open(timeoutMs) {
      counter += 1n;
      const id = counter.toString();
      const { promise, resolve } = Promise.withResolvers<QueryEnd<A>>();
      const timer = setTimeout(() => open.get(id)?.({ kind: 'unanswered' }), timeoutMs);
      open.set(id, (end) => {
        clearTimeout(timer);
        open.delete(id);
        resolve(end);
      });
      return { id, ended: promise };
    },
    answer(id, answer) {
      const end = open.get(id);
      end?.({ kind: 'answered', answer });
      return end !== undefined;
    },
    close() {
      for (const end of [...open.values()]) end({ kind: 'closed' });
    },
  };
}
