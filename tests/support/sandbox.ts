import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  type BotApiServer,
  type BotApiServerOptions,
  startBotApiServer,
} from '../../src/sandbox/bot-api-server.ts';

/** The token of the bot in tests. */
export const testToken = '4200:TEST-token';

/**
 * Starts a Bot API server for one test. It is closed afterwards, and what was said over the wire
 * must have been as the specification says (given by BOT_API_SPEC; unchecked without).
 */
export async function startSandbox(
  t: TestContext,
  options: Partial<BotApiServerOptions> & { allowViolations?: boolean } = {},
): Promise<BotApiServer> {
  const { allowViolations = false, ...rest } = options;
  const specPath = process.env['BOT_API_SPEC'];
  const server = await startBotApiServer({
    token: testToken,
    ...(specPath === undefined ? {} : { specPath }),
    ...rest,
  });
  // Hooks run in the order they were added, and one added now runs after all of them: bots stop
  // while there still is a server to take leave of.
  t.after(() => {
    t.after(async () => {
      await server.close();
      if (!allowViolations) assert.deepEqual(server.violations, []);
    });
  });
  return server;
}
