/**
 * What may be kept of an error: its name, and its code or that of what caused it. Never its message: a
 * database's quotes what people wrote.
 */
export function errorCode(error: unknown): { readonly name: string; readonly code?: string } {
  const name = error instanceof Error ? error.name : typeof error;
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; depth += 1) {
    if ('code' in cause && typeof cause.code === 'string') return { name, code: cause.code };
    cause = cause.cause;
  }
  return { name };
}
