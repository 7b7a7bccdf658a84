/** The outcome of work that several callers share; a caller whose signal ends gets `aborted` and leaves it to the others. */
export function unlessAborted<Outcome>(
  outcome: Promise<Outcome>,
  aborted: Outcome,
  signal: AbortSignal,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const giveUp = () => resolve(aborted);
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp);
  return Promise.race([outcome, promise]).finally(() =>
    signal.removeEventListener('abort', giveUp),
  );
}
