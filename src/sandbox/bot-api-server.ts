import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { UserFromGetMe } from 'grammy/types';
import { type ApiRoute, createApiRoute, refuse, sendJson } from './http/api-route.ts';
import { BotApiError } from './http/bot-api-error.ts';
import type { ApiCall } from './http/call-record.ts';
import { createFaults, type Faults } from './http/faults.ts';
import { handleDownload } from './http/file-route.ts';
import { createFloodControl, type FloodLimits } from './http/flood-control.ts';
import { loadSpecCheck } from './http/spec-check.ts';
import { type BotProfile, readBotProfile } from './world/bot-profile.ts';
import type { PrivateMessage } from './world/chat-state.ts';
import { createWorld } from './world/create-world.ts';
import { createPeople, type People } from './world/people.ts';
import { openSqliteStore } from './world/sqlite-store.ts';
import { createMemoryStore } from './world/store.ts';
import type { NewUpdate } from './world/update-queue.ts';
import type { World } from './world/world.ts';

export type { ApiCall, ApiCallFile } from './http/call-record.ts';
export type { CallFault, DownloadFault, Faults } from './http/faults.ts';
export type { BotProfile } from './world/bot-profile.ts';
export type { PrivateMessage } from './world/chat-state.ts';
export type { PaymentOutcome } from './world/payments.ts';
export type { NewPerson, People } from './world/people.ts';
export type { InvoicePlace } from './world/stars.ts';
export type { CallbackAnswer } from './world/world.ts';

export interface BotApiServerOptions {
  /** As given by @BotFather: the bot's id, a colon, a secret. */
  token: string;
  /** `morphogram_bot` by default. */
  botUsername?: string;
  /** What people see until the bot names itself; `Morphogram` by default. */
  botName?: string;
  /** 0 by default: any free port. */
  port?: number;
  /**
   * A description of the Bot API as JSON (the shape of PaulSonOfLars/telegram-bot-api-spec). With
   * it every request and every answer is checked, and deviations are collected in `violations`.
   */
  specPath?: string;
  /** Larger files cannot be got by getFile; 20 MB by default. */
  maxDownloadBytes?: number;
  /** Larger files cannot be sent; 50 MB by default. */
  maxUploadBytes?: number;
  /** Refuses what comes faster with 429; nothing is too fast by default. */
  floodLimits?: FloodLimits;
  /**
   * A folder to keep everything in: chats, files, updates not yet confirmed, settings, Stars. The
   * next server with the same folder goes on where this one ended, however it ended. In memory by
   * default.
   */
  dataDir?: string;
}

/** A Bot API server on loopback with one bot, and the people who talk to it. */
export interface BotApiServer extends People {
  /** `http://127.0.0.1:PORT`: what a bot takes for https://api.telegram.org. */
  readonly url: string;
  /** Requests and answers of ours that are not as the specification says. */
  readonly violations: string[];
  /** The latest 5000 calls, in the order of arrival. */
  readonly calls: ApiCall[];
  readonly faults: Faults;
  /** The chat as the person sees it now: edits in place, deleted messages gone, oldest first. */
  messages(userId: number): PrivateMessage[];
  /** The bot's name, words, commands and menu button as this person gets to see them. */
  profileFor(userId: number): BotProfile;
  commandsFor(userId: number): BotProfile['commands'];
  /** @throws {Error} for a file_id that was never given out */
  fileBytes(fileId: string): Uint8Array;
  /** `change` comes after everything a person could notice in a chat. */
  on(event: 'change', listener: (chatId: number) => void): void;
  off(event: 'change', listener: (chatId: number) => void): void;
  /**
   * Keeps updates back until the returned function is called; it may put them in another order.
   * Meanwhile the chats change as usual.
   */
  holdUpdates(): ReturnType<World['updates']['hold']>;
  /** Queues any update: forged, repeated by its update_id, or of a kind nobody asked for. */
  pushUpdate(update: NewUpdate & { update_id?: number }): void;
  /** Everything at once, for what is built on top of this server. */
  readonly world: World;
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;

/**
 * Starts a server: what lives in it is in `world/`, what the bot calls in `methods/`, how it calls
 * in `http/`.
 *
 * @throws {Error} when another server uses its `dataDir`, or the port is taken
 */
export async function startBotApiServer(options: BotApiServerOptions): Promise<BotApiServer> {
  const spec = options.specPath === undefined ? undefined : await loadSpecCheck(options.specPath);
  const violations: string[] = [];
  const faults = createFaults();
  const closing = new AbortController();

  const route: ApiRoute = createApiRoute({
    world: () => world,
    faults,
    flood: options.floodLimits && createFloodControl(options.floodLimits),
    spec,
    violations,
    closing: closing.signal,
  });
  const world: World = createWorld({
    bot: describeBot(options),
    store: options.dataDir === undefined ? createMemoryStore() : openSqliteStore(options.dataDir),
    limits: {
      maxDownloadBytes: options.maxDownloadBytes ?? 20 * mebibyte,
      maxUploadBytes: options.maxUploadBytes ?? 50 * mebibyte,
    },
    inspectUpdate: (update) => violations.push(...(spec?.checkUpdate(update) ?? [])),
    onWebhookReply: route.callFromWebhook,
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isFromBrowser(request)) {
      request.resume();
      return sendJson(response, refuse(new BotApiError(403, 'Forbidden: not for web pages')));
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const [, prefix, token, rest] = /^\/(file\/)?bot([^/]+)\/(.+)$/.exec(pathname) ?? [];
    if (token === undefined || rest === undefined) {
      return sendJson(response, refuse(new BotApiError(404, 'Not Found')));
    }
    if (decodeURIComponent(token) !== options.token) {
      request.resume();
      return sendJson(response, refuse(new BotApiError(401, 'Unauthorized')));
    }
    if (prefix === undefined) return route.handle(rest, searchParams, request, response);
    const deps = { files: world.files, faults, closing: closing.signal };
    return handleDownload(decodeURIComponent(rest), response, deps);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      violations.push(`${request.url}: the server itself failed: ${String(error)}`);
      response.destroy();
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    world.store.close();
    throw error;
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');

  world.webhook.resume();
  const { events } = world.state;
  return {
    ...createPeople(world),
    url: `http://127.0.0.1:${address.port}`,
    violations,
    calls: route.calls,
    faults,
    world,
    messages: (userId) => world.state.messages(userId),
    profileFor: (userId) => readBotProfile(world, userId),
    commandsFor: (userId) => readBotProfile(world, userId).commands,
    fileBytes(fileId) {
      const file = world.files.get(fileId);
      if (file === undefined) throw new Error(`no file has the id ${fileId}`);
      return world.files.bytes(file);
    },
    on: (event, listener) => void events.on(event, listener),
    off: (event, listener) => void events.off(event, listener),
    holdUpdates: () => world.updates.hold(),
    pushUpdate: (update) => world.updates.pushRaw(update),
    async close() {
      closing.abort();
      world.webhook.close();
      world.callbacks.close();
      world.checkouts.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      world.store.close();
    },
  };
}

/**
 * Any page open in a browser of this machine could send requests here, or point a name of its own at
 * 127.0.0.1; the sandbox's token is known to all. No bot sends these headers, and a browser always does.
 */
function isFromBrowser({ headers }: IncomingMessage): boolean {
  const host = headers.host?.replace(/:\d+$/, '');
  return (
    headers.origin !== undefined ||
    headers['sec-fetch-site'] !== undefined ||
    (host !== '127.0.0.1' && host !== 'localhost')
  );
}

function describeBot({
  token,
  botUsername = 'morphogram_bot',
  botName = 'Morphogram',
}: BotApiServerOptions): UserFromGetMe {
  return {
    id: Number.parseInt(token, 10) || 1,
    is_bot: true,
    first_name: botName,
    username: botUsername,
    can_join_groups: true,
    can_read_all_group_messages: false,
    supports_guest_queries: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
    supports_join_request_queries: false,
  };
}
