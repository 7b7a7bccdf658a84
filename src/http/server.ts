import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { describeError } from '../domain/describe-error.ts';

/** How we are doing; everything in it is public. */
export interface Health {
  /** Whether this process can serve people: false tells the platform to look, or to restart. */
  readonly ok: boolean;
  /** Shown as they are, for example `{ database: 'ok', telegram: 'polling', waitingSteps: 3 }`. */
  readonly parts: Readonly<Record<string, string | number>>;
}

/**
 * What became of a webhook: `rejected`, it is not the provider's; `later`, it is, and the provider
 * should send it again because we cannot take it now.
 */
export type WebhookAnswer = 'accepted' | 'rejected' | 'later';

export interface HttpServerDeps {
  /** 0 takes any free port. */
  readonly port: number;
  /** The address to listen on; all of them by default. */
  readonly hostname?: string;
  health(): Promise<Health>;
  /** Takes what Replicate sent about an attempt: the body as it came, header names in lower case. */
  readonly webhook?: (
    rawBody: Buffer,
    headers: Readonly<Record<string, string>>,
    /** What its address says: the attempt, and the kind of what was bought. */
    about: { readonly attemptId: string; readonly kind: string | undefined },
  ) => Promise<WebhookAnswer>;
  readonly log: { error(fields: object, message: string): void };
}

export interface HttpServer {
  /**
   * Listens; returns the port.
   * @throws when the port is taken or may not be used; the message says so.
   */
  start(): Promise<number>;
  /** Takes no more requests and lets those that run end, for two seconds at most. */
  stop(): Promise<void>;
}

const HEALTH_TIMEOUT_MS = 5_000;
/** A prediction with its logs is a few kilobytes. */
const MAX_BODY_BYTES = 1_048_576;
const REQUEST_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 2_000;

/** `GET /healthz`, and `POST /replicate/webhook?attempt=<id>` where a webhook is given. */
export function createHttpServer(deps: HttpServerDeps): HttpServer {
  // The adapter's type also covers HTTP/2, which is only made when asked for.
  const server = createAdaptorServer({ fetch: createRoutes(deps).fetch }) as Server;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error) => reject(explainListen(error, deps.port)));
        server.listen({ port: deps.port, host: deps.hostname }, () => {
          resolve((server.address() as AddressInfo).port);
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        // A connection kept alive becomes idle once its last answer is out.
        const idle = setInterval(() => server.closeIdleConnections(), 50);
        const cut = setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT_MS);
        server.close(() => {
          clearInterval(idle);
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}

function createRoutes({ health, webhook, log }: HttpServerDeps): Hono {
  const routes = new Hono();
  routes.notFound((context) => context.json({ error: 'not found' }, 404));
  routes.onError((error, context) => {
    log.error(
      { ...describeError(error), path: context.req.path },
      'A request could not be answered',
    );
    return context.json({ error: 'internal' }, 500);
  });

  routes.get('/healthz', async (context) => {
    const { ok, parts } = await askHealth(health, log);
    return context.json({ status: ok ? 'ok' : 'failing', ...parts }, ok ? 200 : 503);
  });

  if (webhook) {
    const limit = bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (context) => context.json({ error: 'too large' }, 413),
    });
    routes.post('/replicate/webhook', limit, async (context) => {
      const attemptId = z.uuid().safeParse(context.req.query('attempt'));
      if (!attemptId.success) return context.notFound();
      const body = Buffer.from(await context.req.arrayBuffer());
      const about = { attemptId: attemptId.data, kind: context.req.query('kind') };
      const answer = await webhook(body, context.req.header(), about);
      switch (answer) {
        case 'accepted':
          return context.json({ status: 'ok' });
        case 'rejected':
          return context.json({ error: 'unauthorized' }, 401);
        case 'later':
          return context.json({ error: 'unavailable' }, 503);
      }
    });
  }
  return routes;
}

/** A part that hangs or breaks is an answer too. */
async function askHealth(
  health: HttpServerDeps['health'],
  log: HttpServerDeps['log'],
): Promise<Health> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('No answer in time')), HEALTH_TIMEOUT_MS);
  });
  try {
    return await Promise.race([health(), late]);
  } catch (error) {
    log.error(describeError(error), 'The health check failed');
    return { ok: false, parts: {} };
  } finally {
    clearTimeout(timer);
  }
}

function explainListen(error: Error, port: number): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error;
  const why = code === 'EACCES' ? 'may not be used by this user' : 'is in use by another process';
  return new Error(`Port ${port} ${why}: choose another PORT`, { cause: error });
}
