import { BotError, GrammyError, HttpError } from 'grammy';

/** Where the bot writes what an operator should know. Never a token, a file's address or a person's words. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * What may be logged of an error: API errors keep their payload (people's texts) and network errors
 * their address (which holds the token), database errors the values of their query; none of it is told.
 */
export function describeError(error: unknown): object {
  if (error instanceof BotError) return describeError(error.error);
  if (error instanceof GrammyError) {
    return { error: error.description, code: error.error_code, method: error.method };
  }
  if (error instanceof HttpError) return { error: error.message };
  if (!(error instanceof Error)) return { error: typeof error };
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
  return {
    error: `${error.name}: ${withoutValues(error.message)}`,
    stack: frames.slice(0, 8).join('\n'),
    ...(error.cause instanceof Error ? { cause: withoutValues(error.cause.message) } : {}),
  };
}

function withoutValues(message: string): string {
  return message.split('\nparams:')[0]?.slice(0, 500) ?? '';
}
