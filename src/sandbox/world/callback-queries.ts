/** What the person sees after pressing a button. */
export interface CallbackAnswer {
  text?: string;
  showAlert?: boolean;
  url?: string;
}

/** Pressed buttons waiting for `answerCallbackQuery`. */
export interface CallbackQueries {
  /** Registers a press; the promise rejects when nobody answers within `timeoutMs`. */
  open(timeoutMs: number): { id: string; answered: Promise<CallbackAnswer> };
  /** Returns false for an unknown, expired or already answered query. */
  answer(id: string, answer: CallbackAnswer): boolean;
  /** Rejects everything still open. */
  close(): void;
}

/** Creates an empty list of presses. */
export function createCallbackQueries(): CallbackQueries {
  const open = new Map<
    string,
    { resolve: (answer: CallbackAnswer) => void; fail: (reason: string) => void }
  >();
  let counter = BigInt(Date.now()) << 20n;

  return {
    open(timeoutMs) {
      counter += 1n;
      const id = counter.toString();
      const { promise, resolve, reject } = Promise.withResolvers<CallbackAnswer>();
      const fail = (reason: string) => {
        clearTimeout(timer);
        open.delete(id);
        reject(new Error(`callback query ${id} was not answered ${reason}`));
      };
      const timer = setTimeout(() => fail(`within ${timeoutMs} ms`), timeoutMs);
      open.set(id, {
        fail,
        resolve: (answer) => {
          clearTimeout(timer);
          open.delete(id);
          resolve(answer);
        },
      });
      return { id, answered: promise };
    },
    answer(id, answer) {
      const query = open.get(id);
      query?.resolve(answer);
      return query !== undefined;
    },
    close() {
      for (const query of [...open.values()]) query.fail('before the server was closed');
    },
  };
}
