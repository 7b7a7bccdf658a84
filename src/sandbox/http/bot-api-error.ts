import type { ResponseParameters } from 'grammy/types';

/** A refusal in Telegram's own shape; thrown by a method, answered as `{ok: false, ...}`. */
export class BotApiError extends Error {
  override name = 'BotApiError' as const;
  readonly code: number;
  readonly parameters: ResponseParameters | undefined;

  constructor(code: number, description: string, parameters?: ResponseParameters) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }
}

/** The most frequent refusal: 400 with Telegram's `Bad Request: ` before the reason. */
export function badRequest(reason: string): BotApiError {
  return new BotApiError(400, `Bad Request: ${reason}`);
}
