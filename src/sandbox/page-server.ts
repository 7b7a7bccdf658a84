import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { createActions } from './serve/actions.ts';
import type { Assets } from './serve/bundle.ts';
import { createFeed, type Stage } from './serve/feed.ts';
import { respondWithFile } from './serve/file-response.ts';
import { createGuard } from './serve/guard.ts';
import { createTrouble } from './serve/trouble.ts';

export type { Stage } from './serve/feed.ts';

export interface PageServerOptions extends Stage {
  /** 0 takes any free port. */
  readonly port: number;
  readonly assets: Assets;
}

/** The chat page, served on loopback. */
export interface PageServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Changes that come together are told together. */
const gatherMs = 20;
/** What no event tells is looked at this often: faults that struck, messages the bot took. */
const lookEveryMs = 300;
/** A silent connection is taken for a dead one by some. */
const pingEveryMs = 10_000;

/**
 * Serves the page, its files and its events.
 * @throws {Error} with the code EADDRINUSE when the port is taken
 */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const { telegram, bot, assets } = options;
  const closing = new AbortController();
  const trouble = createTrouble(options);
  const routes = new Hono();
  routes.use(createGuard());
  routes.notFound((context) => context.text('There is nothing here.', 404));

  for (const [path, { bytes, mimeType }] of assets) {
    routes.get(path, (context) => {
      return context.body(new Uint8Array(bytes), 200, {
        'content-type': mimeType,
        'cache-control': 'no-cache',
      });
    });
  }

  routes.get('/files/:id', (context) => {
    const file = telegram.world.files.get(context.req.param('id'));
    if (file === undefined) return context.notFound();
    const bytes = telegram.world.files.bytes(file);
    const { mimeType } = file;
    const saveAs = context.req.query('save');
    return respondWithFile({ bytes, mimeType, saveAs }, context.req.header('range'));
  });

  routes.get('/events', (context) =>
    streamSSE(context, async (stream) => {
      const feed = createFeed(options, trouble);
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const signal = AbortSignal.any([gone.signal, closing.signal]);
      let wake = () => {};
      const onChange = () => wake();
      telegram.on('change', onChange);
      bot.events.on('change', onChange);
      let lastSentMs = 0;
      try {
        while (!signal.aborted) {
          const change = feed.next();
          if (change !== undefined) {
            await stream.writeSSE({ data: JSON.stringify(change) });
            lastSentMs = Date.now();
          } else if (Date.now() - lastSentMs > pingEveryMs) {
            await stream.writeSSE({ event: 'ping', data: '' });
            lastSentMs = Date.now();
          }
          const news = new Promise<void>((resolve) => {
            wake = resolve;
          });
          await Promise.race([news, pause(lookEveryMs, signal)]);
          await pause(gatherMs, signal);
        }
      } finally {
        telegram.off('change', onChange);
        bot.events.off('change', onChange);
      }
    }),
  );

  routes.route('/api', createActions(options, trouble));

  // The adapter's type also covers HTTP/2, which is only made when asked for.
  const server = createAdaptorServer({ fetch: routes.fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      closing.abort();
      trouble.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Ends early, without an error, when the signal says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
