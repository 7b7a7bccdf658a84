import type { AvatarView } from '../../orders/orders.ts';
import type { Language } from '../../people/people.ts';
import { showDay } from '../amounts.ts';
import { escapeHtml, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

/** The prefix of the buttons of avatars. */
export const AVATAR_PREFIX = 'avatar';

/** A person's avatars, each with what can be done with it. */
export function avatarsScreen(
  t: Translate,
  language: Language,
  avatars: readonly AvatarView[],
): Screen {
  if (avatars.length === 0) return noAvatarsScreen(t);
  const lines = avatars.map(
    ({ name, createdAt }, index) =>
      `${index + 1}. <b>${escapeHtml(name)}</b> · ${showDay(createdAt, language)}`,
  );
  return {
    text: `${t('account.avatars.title')}\n\n${lines.join('\n')}`,
    keyboard: [
      ...avatars.map(({ id }, index) => [
        button(`✏️ ${index + 1}`, `rename:${id}`),
        button(`🗑 ${index + 1}`, `delete:${id}`),
      ]),
      [{ text: t('account.avatars.use'), callback_data: 'menu:neuro_photo' }],
    ],
  };
}

/** There is none yet, and how to get one. */
export function noAvatarsScreen(t: Translate): Screen {
  return {
    text: t('account.avatars.none'),
    keyboard: [[{ text: t('account.avatars.train'), callback_data: 'menu:digital_avatar_body' }]],
  };
}

/** The question before an avatar is gone for good. */
export function deleteAvatarScreen(t: Translate, avatar: AvatarView): Screen {
  return {
    text: t('account.avatars.askDelete', { name: escapeHtml(avatar.name) }),
    keyboard: [
      [
        button(t('account.avatars.delete'), `gone:${avatar.id}`),
        button(t('account.avatars.keep'), 'list'),
      ],
    ],
  };
}

/** Asks for another name. */
export function renameAvatarScreen(t: Translate, avatar: AvatarView): Screen {
  return {
    text: t('account.avatars.askName', { name: escapeHtml(avatar.name) }),
    keyboard: [[button(t('account.avatars.keep'), 'list')]],
  };
}

function button(text: string, value: string) {
  return { text, callback_data: `${AVATAR_PREFIX}:${value}` };
}
