import type { MiddlewareFn } from 'grammy';
import type { AwaitedNames } from '../awaited-name.ts';
import type { BotContext } from '../context.ts';
import {
  AVATAR_PREFIX,
  avatarsScreen,
  deleteAvatarScreen,
  renameAvatarScreen,
} from '../views/avatars.ts';
import type { Command, CommandDeps } from './command.ts';

const LONGEST_NAME = 32;

/** /avatars: the trained ones, to be renamed and deleted. */
export function createAvatarsCommand(deps: CommandDeps): Command {
  const { messenger, orders } = deps;

  async function list({ person, t }: BotContext) {
    return avatarsScreen(t, person.language, deps.catalogue, await orders().avatars(person.id));
  }

  return {
    name: 'avatars',
    description: 'common.commands.avatars',
    isOffered: () =>
      deps.catalogue.offers().some(({ service }) => service.finish === 'trained_model'),
    async handle(ctx) {
      await messenger.send(ctx.person.id, await list(ctx));
    },
    button: {
      prefix: AVATAR_PREFIX,
      async press(ctx, value) {
        const { person, t, messageId } = ctx;
        const [action, number] = value.split(':');
        const avatar = (await orders().avatars(person.id)).find(({ id }) => id === Number(number));
        if (action === 'list') {
          await deps.names.forget(person.id);
        } else if (!avatar) {
          return false;
        } else if (action === 'rename') {
          await deps.names.expect(person.id, avatar.id);
          await ctx.answer();
          await messenger.put(person.id, messageId, renameAvatarScreen(t, avatar));
          return true;
        } else if (action === 'delete') {
          await ctx.answer();
          await messenger.put(person.id, messageId, deleteAvatarScreen(t, avatar));
          return true;
        } else if (action === 'gone') {
          await orders().deleteAvatar(avatar.id, person.id);
          await ctx.answer(t('account.avatars.deleted'));
        } else {
          return false;
        }
        await ctx.answer();
        await messenger.put(person.id, messageId, await list(ctx));
        return true;
      },
    },
  };
}

/** Takes the text that was asked for as an avatar's new name. */
export function createAvatarNaming(deps: CommandDeps): MiddlewareFn<BotContext> {
  const { messenger, orders } = deps;
  const { names }: { readonly names: AwaitedNames } = deps;
  return async (ctx, next) => {
    const text = ctx.message?.text?.replaceAll(/\s+/g, ' ').trim();
    const pressed = ctx.callbackQuery?.data;
    const isElsewhere = pressed !== undefined && !pressed.startsWith(`${AVATAR_PREFIX}:`);
    if (!text && !isElsewhere) return next();
    const { person, t } = ctx;
    const avatarId = await names.find(person.id);
    if (avatarId === undefined) return next();
    // Whoever turns to something else gives no name any more.
    if (!text || text.startsWith('/')) {
      await names.forget(person.id);
      return next();
    }
    if ([...text].length > LONGEST_NAME) {
      const length = [...text].length;
      await messenger.send(person.id, { text: t('common.tooLong', { max: LONGEST_NAME, length }) });
      return;
    }
    await orders().renameAvatar(avatarId, person.id, text);
    await names.forget(person.id);
    const avatars = await orders().avatars(person.id);
    await messenger.send(person.id, avatarsScreen(t, person.language, deps.catalogue, avatars));
  };
}
