import { type Api, GrammyError } from 'grammy';

/** The type grammY gives to its abort signals: a polyfill's. */
export type GrammySignal = NonNullable<Parameters<Api['getMe']>[0]>;

/** grammY's types know only its polyfill; at run time it listens to Node's own signals as well. */
export function toGrammySignal(signal: AbortSignal): GrammySignal {
  return signal as unknown as GrammySignal;
}

/** The person blocked the bot, left Telegram, or never wrote to it. */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof GrammyError &&
    (error.error_code === 403 || /chat not found/i.test(error.description))
  );
}

/** An edit that would change nothing. */
export function isNotModified(error: unknown): boolean {
  return error instanceof GrammyError && /message is not modified/i.test(error.description);
}

/** The request itself is refused; repeating it would change nothing. */
export function isBadRequest(error: unknown): error is GrammyError {
  return error instanceof GrammyError && error.error_code === 400;
}

/** How long to wait before asking again, or undefined when Telegram would refuse it again. */
export function retryDelayMs(error: unknown): number | undefined {
  if (!(error instanceof GrammyError)) return 5_000;
  if (error.error_code === 429) return (error.parameters.retry_after ?? 5) * 1_000;
  // 401 and 404 mean that the token is not valid: the operator has to act, the request was fine.
  if (error.error_code === 401 || error.error_code === 404) return 60_000;
  return error.error_code >= 500 ? 5_000 : undefined;
}
