import { randomInt } from 'node:crypto';
import type { Message } from 'grammy/types';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { FAULTS, type PressResult, SENT_AS, type SentAs } from '../page/wire.ts';
import { clearChat } from '../world/clear-chat.ts';
import type { SendVideoOptions } from '../world/person-messages.ts';
import type { Stage } from './feed.ts';
import type { Trouble } from './trouble.ts';

/** What a client sends in one go; Telegram's take ten, too. */
const albumSize = 10;
/** Larger files can be sent to a real bot as well, but it could not get them. */
const maxFileBytes = 64 * 1024 * 1024;
const pressTimeoutMs = 15_000;

const text = z.object({ text: z.string().trim().min(1).max(4096) });
const press = z.object({ messageId: z.int(), data: z.string().max(64) });
const payment = z.object({ messageId: z.int() });
const stars = z.object({ count: z.int().min(1).max(100_000) });
const fault = z.object({ name: z.enum(FAULTS) });
const sending = z.object({
  as: z.enum(SENT_AS),
  caption: z.string().max(1024).optional(),
  /** Of a sound or a video, as the page found it; a real client says it, too. */
  durationSeconds: z.coerce.number().nonnegative().transform(Math.round).optional(),
});

/** What a person does on the page, and what is done to the bot. */
export function createActions({ telegram, bot, people }: Stage, trouble: Trouble): Hono {
  const routes = new Hono();
  routes.onError((error, context) => {
    const isBadInput = error instanceof z.ZodError || error instanceof SyntaxError;
    return context.json({ error: error.message }, isBadInput ? 400 : 409);
  });

  const sendAs: Readonly<
    Record<SentAs, (id: number, bytes: Uint8Array, options: SendVideoOptions) => Message>
  > = {
    photo: telegram.sendPhoto,
    file: telegram.sendDocument,
    voice: telegram.sendVoice,
    audio: telegram.sendAudio,
    video: telegram.sendVideo,
    video_note: telegram.sendVideoNote,
  };

  function personOf(context: Context): number {
    const id = Number(context.req.param('id'));
    if (!people.some((person) => person.id === id)) throw new Error(`nobody has the id ${id}`);
    return id;
  }

  routes.post('/people/:id/text', async (context) => {
    const message = telegram.sendText(personOf(context), text.parse(await context.req.json()).text);
    return context.json([message]);
  });

  routes.post('/people/:id/files', async (context) => {
    const id = personOf(context);
    const form = await context.req.formData();
    const given = Object.fromEntries([...form].filter(([, value]) => typeof value === 'string'));
    const { as, caption, durationSeconds } = sending.parse(given);
    const files = form.getAll('file').filter((value) => typeof value !== 'string');
    if (files.length === 0 || files.length > albumSize) throw new Error('send one to ten files');
    if (files.some((file) => file.size > maxFileBytes)) throw new Error('a file is too large');
    const contents = await Promise.all(files.map((file) => file.arrayBuffer()));
    const mediaGroupId = `${randomInt(2 ** 40)}`;
    // An album reaches the bot whole, whatever else happens on this machine meanwhile.
    const release = telegram.holdUpdates();
    try {
      const messages = files.map((file, index) => {
        const bytes = new Uint8Array(contents[index] ?? new ArrayBuffer(0));
        return sendAs[as](id, bytes, {
          ...(files.length > 1 ? { mediaGroupId } : {}),
          ...(caption !== undefined && index === 0 ? { caption } : {}),
          ...(durationSeconds === undefined ? {} : { durationSeconds }),
          fileName: file.name,
          ...(file.type === '' ? {} : { mimeType: file.type }),
        });
      });
      return context.json(messages);
    } finally {
      release();
    }
  });

  routes.post('/people/:id/press', async (context) => {
    const { messageId, data } = press.parse(await context.req.json());
    const id = personOf(context);
    const answer: PressResult = await telegram
      .press(id, messageId, data, { timeoutMs: pressTimeoutMs })
      .catch(() => ({ isUnanswered: true }));
    return context.json(answer);
  });

  routes.post('/people/:id/pay', async (context) => {
    const { messageId } = payment.parse(await context.req.json());
    return context.json(await telegram.pay(personOf(context), messageId));
  });

  routes.post('/people/:id/stars', async (context) => {
    telegram.addStars(personOf(context), stars.parse(await context.req.json()).count);
    return context.json({});
  });

  routes.post('/people/:id/block', (context) => {
    telegram.block(personOf(context));
    return context.json({});
  });
  routes.post('/people/:id/unblock', (context) => {
    telegram.unblock(personOf(context));
    return context.json({});
  });

  routes.post('/people/:id/clear', (context) => {
    clearChat(telegram.world, personOf(context));
    return context.json({});
  });

  routes.post('/bot/kill', (context) => {
    bot.kill();
    return context.json({});
  });

  routes.post('/faults', async (context) => {
    const { name } = fault.parse(await context.req.json());
    trouble.order(name);
    return context.json({});
  });
  routes.post('/faults/clear', (context) => {
    trouble.callOff();
    return context.json({});
  });

  return routes;
}
