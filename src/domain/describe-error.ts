/**
 * What may be logged of an error: its name, message, code, cause and where it came from. Of a database's
 * error the values of its query, which are people's words, are left out. What only looks like an error,
 * as the queue's engine passes them on, is told as one.
 */
export function describeError(error: unknown): object {
  if (!isErrorLike(error)) return { error: typeof error };
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
  const { cause } = error;
  const code = codeOf(error) ?? codeOf(cause);
  return {
    error: `${error.name ?? 'Error'}: ${withoutValues(error.message)}`,
    ...(code === undefined ? {} : { code }),
    stack: frames.slice(0, 8).join('\n'),
    ...(isErrorLike(cause) ? { cause: withoutValues(cause.message) } : {}),
  };
}

interface ErrorLike {
  readonly message: string;
  readonly name?: string;
  readonly stack?: string;
  readonly cause?: unknown;
}

function isErrorLike(value: unknown): value is ErrorLike {
  if (typeof value !== 'object' || value === null) return false;
  return ['message', 'name', 'stack'].every((field) => {
    const told: unknown = Reflect.get(value, field);
    return typeof told === 'string' || (field !== 'message' && told === undefined);
  });
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = isErrorLike(error) ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
}

function withoutValues(message: string): string {
  return message.split('\nparams:')[0]?.slice(0, 500) ?? '';
}
