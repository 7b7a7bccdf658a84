import type { Message } from 'grammy/types';
import type { BotApiServer } from '../bot-api-server.ts';
import type { BotProcess } from '../bot-process.ts';
import type { CallLine, ChatChange, ChatFacts, Persona, WorldChange } from '../page/wire.ts';
import type { Trouble } from './trouble.ts';

/** What the page is about. */
export interface Stage {
  readonly telegram: BotApiServer;
  readonly bot: BotProcess;
  readonly people: readonly Persona[];
}

/** Tells one listener what changed since it was last asked; everything at the first time. */
export interface Feed {
  /** Undefined when nothing did. */
  next(): WorldChange | undefined;
}

/** The bot's latest calls that the page shows. */
const shownCalls = 40;
/** Polling says nothing about what the bot does. */
const silentMethods = ['getUpdates'];

/** Creates the feed of one listener. */
export function createFeed(stage: Stage, trouble: Trouble): Feed {
  const { telegram, bot, people } = stage;
  /** Messages are never mutated, so that the same object is the same message. */
  const seen = new Map<number, { messages: Map<number, Message>; facts: string }>();
  let isFirst = true;
  let seenRest = { process: '', faults: '', calls: '' };

  function diffChat(persona: Persona): ChatChange | undefined {
    const known = seen.get(persona.id) ?? { messages: new Map<number, Message>(), facts: '' };
    const messages = new Map(
      telegram.messages(persona.id).map((message) => [message.message_id, message]),
    );
    const changed = [...messages.values()].filter(
      (message) => known.messages.get(message.message_id) !== message,
    );
    const removed = [...known.messages.keys()].filter((id) => !messages.has(id));
    const facts = describeChat(telegram, persona);
    const factsText = JSON.stringify(facts);
    seen.set(persona.id, { messages, facts: factsText });
    if (changed.length === 0 && removed.length === 0 && factsText === known.facts) return undefined;
    return {
      ...(changed.length === 0 ? {} : { messages: changed }),
      ...(removed.length === 0 ? {} : { removed }),
      ...(factsText === known.facts ? {} : { facts }),
    };
  }

  return {
    next() {
      const chats: Record<string, ChatChange> = {};
      for (const persona of people) {
        const change = diffChat(persona);
        if (change !== undefined) chats[persona.id] = change;
      }
      const process = JSON.stringify(bot.state);
      const faults = JSON.stringify(trouble.toCome);
      const lines = latestCalls(telegram);
      const calls = JSON.stringify(lines);
      const change: WorldChange = {
        isWhole: isFirst,
        ...(isFirst ? { people, botUsername: telegram.world.state.bot.username } : {}),
        ...(Object.keys(chats).length === 0 ? {} : { chats }),
        ...(process === seenRest.process ? {} : { process: bot.state }),
        ...(faults === seenRest.faults ? {} : { faults: trouble.toCome }),
        ...(calls === seenRest.calls ? {} : { calls: lines }),
      };
      const isNews = isFirst || Object.keys(change).length > 1;
      isFirst = false;
      seenRest = { process, faults, calls };
      return isNews ? change : undefined;
    },
  };
}

function describeChat(telegram: BotApiServer, { id }: Persona): ChatFacts {
  const chat = telegram.world.state.chat(id);
  const { name, description, commands } = telegram.profileFor(id);
  return {
    action: chat?.action ?? null,
    keyboard: chat?.keyboard ?? null,
    isBlocked: chat?.blocked ?? false,
    purse: telegram.stars(id),
    commands,
    botName: name,
    botDescription: description,
    waiting: telegram.world.updates
      .waiting()
      .flatMap(({ message }) => (message?.chat.id === id ? [message.message_id] : [])),
  };
}

function latestCalls({ calls }: BotApiServer): CallLine[] {
  const latest: CallLine[] = [];
  for (let index = calls.length - 1; index >= 0 && latest.length < shownCalls; index -= 1) {
    const call = calls[index];
    if (call === undefined || silentMethods.includes(call.method)) continue;
    const { number, method, at, status } = call;
    latest.push({ number, method, atMs: at, status });
  }
  return latest.reverse();
}
