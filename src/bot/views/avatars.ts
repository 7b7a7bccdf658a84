import type { AvatarView } from '../../orders/orders.ts';
import type { Language } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import { showDay } from '../amounts.ts';
import { escapeHtml, serviceWords, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

/** The prefix of the buttons of avatars. */
export const AVATAR_PREFIX = 'avatar';

/** A person's avatars, each with what can be done with it. */
export function avatarsScreen(
  t: Translate,
  language: Language,
  catalogue: Catalogue,
  avatars: readonly AvatarView[],
): Screen {
  if (avatars.length === 0) return noAvatarsScreen(t, catalogue);
  const users = catalogue
    .offers()
    .filter(({ service }) => service.questions.some(({ kind }) => kind === 'avatar'));
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
      ...users.map(({ service: { id } }) => [
        { text: serviceWords(t, id)('button'), callback_data: `menu:${id}` },
      ]),
    ],
  };
}

/** There is none yet, and how to get one where that can be ordered. */
export function noAvatarsScreen(t: Translate, catalogue: Catalogue): Screen {
  const trainers = catalogue.offers().filter(({ service }) => service.finish === 'trained_model');
  return {
    text: [
      t('account.avatars.none'),
      ...(trainers.length > 0 ? [t('account.avatars.noneHow')] : []),
    ].join(' '),
    keyboard: trainers.map(({ service: { id } }) => [
      { text: t('account.avatars.train'), callback_data: `menu:${id}` },
    ]),
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
    keyboard: [[button(t('account.avatars.keepName'), 'list')]],
  };
}

function button(text: string, value: string) {
  return { text, callback_data: `${AVATAR_PREFIX}:${value}` };
}
