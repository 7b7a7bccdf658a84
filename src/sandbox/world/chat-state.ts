import { EventEmitter } from 'node:events';
import type {
  Chat,
  ForceReply,
  Message,
  ReplyKeyboardMarkup,
  ReplyKeyboardRemove,
  User,
  UserFromGetMe,
} from 'grammy/types';

/** What a message holds besides its identifier, date, chat and sender. */
export type MessageContent = Partial<Omit<Message, 'message_id' | 'date' | 'chat' | 'from'>>;

/** A message as it looks in a chat between a person and the bot. */
export type PrivateMessage = Message & { chat: Chat.PrivateChat; from: User };

/** A markup that changes the person's keyboard instead of hanging below the message. */
export type KeyboardMarkup = ReplyKeyboardMarkup | ReplyKeyboardRemove | ForceReply;

/** One private chat with all that its person can see. */
export interface PrivateChatState {
  readonly user: User;
  readonly chat: Chat.PrivateChat;
  /** True after the person blocked the bot: nothing can be sent to them any more. */
  blocked: boolean;
  /** The reply keyboard shown to the person now. */
  keyboard: KeyboardMarkup | undefined;
  /** "typing…" and the like; clients show it for five seconds at most. */
  action: { readonly name: string; readonly atMs: number } | undefined;
  readonly pinnedMessageIds: number[];
}

/** The chats of one bot: who takes part, what was said. All changes go through here. */
export interface ChatState {
  readonly bot: UserFromGetMe;
  /** Emits `change` with the chat's id after everything a person could notice. */
  readonly events: EventEmitter<{ change: [chatId: number] }>;
  addUser(user: User): PrivateChatState;
  chat(chatId: number): PrivateChatState | undefined;
  chatIds(): number[];
  /** Appends a message with the next message_id of its chat. */
  post<C extends MessageContent>(
    chatId: number,
    sender: 'bot' | 'person',
    content: C,
  ): PrivateMessage & C;
  /** Replaces a message by its new version; messages themselves are never mutated. */
  replace(message: PrivateMessage): void;
  remove(chatId: number, messageId: number): boolean;
  find(chatId: number, messageId: number): PrivateMessage | undefined;
  messages(chatId: number): PrivateMessage[];
  /** Reports a change of the chat made directly in its {@link PrivateChatState}. */
  touch(chatId: number): void;
}

/** Creates a world with one bot in it and nobody else. */
export function createChatState(bot: UserFromGetMe): ChatState {
  const events = new EventEmitter<{ change: [chatId: number] }>();
  // Every waiting test driver listens; their number says nothing about a leak.
  events.setMaxListeners(0);
  const chats = new Map<
    number,
    { state: PrivateChatState; messages: Map<number, PrivateMessage>; lastMessageId: number }
  >();

  function room(chatId: number) {
    const found = chats.get(chatId);
    if (found === undefined) throw new Error(`nobody with id ${chatId} was added to the sandbox`);
    return found;
  }
  const touch = (chatId: number) => void events.emit('change', chatId);

  return {
    bot,
    events,
    addUser(user) {
      const known = chats.get(user.id);
      if (known !== undefined) return known.state;
      const chat: Chat.PrivateChat = {
        id: user.id,
        type: 'private',
        first_name: user.first_name,
        ...(user.last_name === undefined ? {} : { last_name: user.last_name }),
        ...(user.username === undefined ? {} : { username: user.username }),
      };
      const state: PrivateChatState = {
        user,
        chat,
        blocked: false,
        keyboard: undefined,
        action: undefined,
        pinnedMessageIds: [],
      };
      chats.set(user.id, { state, messages: new Map(), lastMessageId: 0 });
      touch(user.id);
      return state;
    },
    chat: (chatId) => chats.get(chatId)?.state,
    chatIds: () => [...chats.keys()],
    post(chatId, sender, content) {
      const into = room(chatId);
      into.lastMessageId += 1;
      const { id, is_bot, first_name, username } = bot;
      const message = {
        message_id: into.lastMessageId,
        from: sender === 'bot' ? { id, is_bot, first_name, username } : into.state.user,
        chat: into.state.chat,
        date: Math.floor(Date.now() / 1000),
        ...content,
      };
      into.messages.set(message.message_id, message);
      if (sender === 'bot') into.state.action = undefined;
      touch(chatId);
      return message;
    },
    replace(message) {
      room(message.chat.id).messages.set(message.message_id, message);
      touch(message.chat.id);
    },
    remove(chatId, messageId) {
      const removed = room(chatId).messages.delete(messageId);
      if (removed) touch(chatId);
      return removed;
    },
    find: (chatId, messageId) => chats.get(chatId)?.messages.get(messageId),
    messages: (chatId) => [...room(chatId).messages.values()],
    touch,
  };
}
