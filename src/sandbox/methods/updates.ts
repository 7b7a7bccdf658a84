import { BotApiError, badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import type { Methods } from './method.ts';

const maxUpdatesPerPoll = 100;
const defaultConnections = 40;

function readAllowedUpdates(fields: Fields): string[] | undefined {
  const value = fields.json('allowed_updates');
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw badRequest("can't parse allowed_updates: must be an array");
  return value.map(String);
}

/** Polling and the webhook. */
export const updateMethods = {
  async getUpdates({ world, fields, signal }) {
    if (world.webhook.isSet) {
      throw new BotApiError(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    }
    const limit = fields.integer('limit') ?? maxUpdatesPerPoll;
    return world.updates.poll(
      {
        offset: fields.integer('offset') ?? 0,
        limit: Math.min(Math.max(limit, 1), maxUpdatesPerPoll),
        timeoutSeconds: fields.integer('timeout') ?? 0,
        allowedUpdates: readAllowedUpdates(fields),
      },
      signal,
    );
  },
  setWebhook({ world, fields }) {
    const url = fields.text('url') ?? '';
    const secretToken = fields.text('secret_token');
    if (secretToken !== undefined && !/^[A-Za-z0-9_-]{1,256}$/.test(secretToken)) {
      throw badRequest('secret token contains unallowed characters');
    }
    if (url !== '' && !URL.canParse(url)) throw badRequest('bad webhook: invalid URL');
    const allowedUpdates = readAllowedUpdates(fields);
    if (allowedUpdates !== undefined) world.updates.allowedUpdates = allowedUpdates;
    if (fields.flag('drop_pending_updates')) world.updates.clear();
    if (url !== '') world.updates.interrupt('terminated by setWebhook request');
    const maxConnections = fields.integer('max_connections') ?? defaultConnections;
    world.webhook.set(url === '' ? undefined : { url, secretToken, maxConnections });
    return true;
  },
  deleteWebhook({ world, fields }) {
    if (fields.flag('drop_pending_updates')) world.updates.clear();
    world.webhook.set(undefined);
    return true;
  },
  getWebhookInfo: ({ world }) => world.webhook.info(),
} satisfies Methods;
