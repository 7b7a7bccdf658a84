import { BotError, GrammyError, HttpError } from 'grammy';
import { describeError as describeAnyError } from '../domain/describe-error.ts';

/** Where the bot writes what an operator should know. Never a token, a file's address or a person's words. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * What may be logged of an error: API errors keep their payload (people's texts) and network errors
 * their address (which holds the token); neither is told.
 */
export function describeError(error: unknown): object {
  if (error instanceof BotError) return describeError(error.error);
  if (error instanceof GrammyError) {
    return { error: error.description, code: error.error_code, method: error.method };
  }
  if (error instanceof HttpError) return { error: error.message };
  return describeAnyError(error);
}
