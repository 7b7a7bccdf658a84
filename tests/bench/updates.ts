import { setTimeout as sleep } from 'node:timers/promises';
import { Bot } from 'grammy';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { type BotApiServer, startBotApiServer } from '../../src/sandbox/bot-api-server.ts';
import { prepareTestDatabase } from '../support/database.ts';
import { testToken } from '../support/sandbox.ts';
import { type Bench, inverse, measurePairs, timed } from './measure.ts';

const REPETITIONS = 7;
const PEOPLE = 20;
const COMMANDS_EACH = 10;
const COMMANDS = PEOPLE * COMMANDS_EACH;
const FIRST_PERSON = 1_000;
const GIVE_UP_MS = 60_000;

/** A bot that answers on a Bot API server of its own. */
interface Answering {
  readonly server: BotApiServer;
  stop(): Promise<void>;
}

/** Every update is written down, its person met, its balance and statement read, and answered. */
export const updates: Bench = {
  name: 'updates',
  about: `${COMMANDS} commands of ${PEOPLE} people through the whole bot, against a bare grammY echo bot`,
  async run() {
    const running: Answering[] = [];
    try {
      const ours = await startOurs();
      running.push(ours);
      const echo = await startEcho();
      running.push(echo);
      const pairs = await measurePairs(REPETITIONS, {
        ours: () => timed(() => talk(ours.server)),
        bare: () => timed(() => talk(echo.server)),
      });
      return [
        {
          what: 'updates per second',
          ours: `${(COMMANDS / pairs.ours.median).toFixed(0)}/s`,
          baseline: `${(COMMANDS / pairs.bare.median).toFixed(0)}/s`,
          ratio: inverse(pairs.ratio),
        },
      ];
    } finally {
      for (const bot of running) await bot.stop();
    }
  },
};

/** Everybody writes at once; over when each has an answer to each. */
async function talk(server: BotApiServer): Promise<void> {
  const expected = countMessages(server) + 2 * COMMANDS;
  for (let command = 0; command < COMMANDS; command += 1) {
    server.sendText(FIRST_PERSON + (command % PEOPLE), '/balance');
  }
  const deadline = Date.now() + GIVE_UP_MS;
  while (countMessages(server) < expected) {
    if (Date.now() > deadline) throw new Error('Not every command was answered');
    await sleep(2);
  }
}

function countMessages(server: BotApiServer): number {
  let count = 0;
  for (let person = 0; person < PEOPLE; person += 1) {
    count += server.messages(FIRST_PERSON + person).length;
  }
  return count;
}

async function startServer(): Promise<BotApiServer> {
  const server = await startBotApiServer({ token: testToken });
  for (let person = 0; person < PEOPLE; person += 1) {
    server.addUser({ id: FIRST_PERSON + person, first_name: 'Ada', language_code: 'en' });
  }
  return server;
}

async function startOurs(): Promise<Answering> {
  const server = await startServer();
  const place = await prepareTestDatabase();
  const config = loadConfig({
    ...place.env,
    BOT_TOKEN: testToken,
    TELEGRAM_API_ROOT: server.url,
    REPLICATE_API_TOKEN: 'r8_unused',
    ADMIN_IDS: '1',
    PORT: '0',
    LOG_LEVEL: 'silent',
  });
  const app = createApp(config, (error) => {
    throw error;
  });
  await app.start();
  return {
    server,
    async stop() {
      await app.stop();
      await server.close();
      await place.remove();
    },
  };
}

async function startEcho(): Promise<Answering> {
  const server = await startServer();
  const bot = new Bot(testToken, { client: { apiRoot: server.url } });
  bot.on('message:text', (ctx) => ctx.reply(ctx.message.text));
  const polling = bot.start();
  return {
    server,
    async stop() {
      await bot.stop();
      await polling;
      await server.close();
    },
  };
}
