import type { InlineKeyboardButton } from 'grammy/types';
import { GENDERS, type Gender } from '../../domain/gender.ts';
import type { OrderView } from '../../orders/orders.ts';
import type { Language } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import { MENU_ITEMS, type MenuItem, orderButton } from '../callback-data.ts';
import { LANGUAGES, serviceWords, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { sellsOnlyMorphs, serviceButtons } from './service.ts';

/** The menu under the welcome: what can be ordered, group by group, and the rest in one row. */
export function menuKeyboard(t: Translate, catalogue: Catalogue): InlineKeyboardButton[][] {
  const trains = catalogue.offers().some(({ service }) => service.finish === 'trained_model');
  const button = (item: MenuItem) => ({
    text: t(`common.menu.${item}`),
    callback_data: `menu:${item}`,
  });
  return [
    ...serviceButtons(t, catalogue),
    ...(trains ? [[button('avatars')]] : []),
    MENU_ITEMS.filter((item) => item !== 'avatars').map(button),
  ];
}

/** Who we are; also the caption of the example. */
export function welcomeScreen(t: Translate, catalogue: Catalogue): Screen {
  const text = t(sellsOnlyMorphs(catalogue) ? 'common.welcomeMorph' : 'common.welcome');
  return { text, keyboard: menuKeyboard(t, catalogue) };
}

/** What the person was doing before they wrote /start. */
export function unfinishedScreen(
  t: Translate,
  order: Pick<OrderView, 'id' | 'serviceType'> & { readonly kind: 'open' | 'active' },
): Screen {
  return order.kind === 'open'
    ? {
        text: t('common.openOrder', { service: serviceWords(t, order.serviceType)('button') }),
        keyboard: [
          [
            orderButton(t('common.continue'), { action: 'continue', orderId: order.id }),
            orderButton(t('common.cancel'), { action: 'cancel', orderId: order.id }),
          ],
        ],
      }
    : {
        text: t('common.activeOrder'),
        keyboard: [[orderButton(t('common.status'), { action: 'status', orderId: order.id })]],
      };
}

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', ru: 'Русский' };

/** The choice of a language, each by its own name. */
export function languageScreen(t: Translate): Screen {
  const buttons = LANGUAGES.map((language) => ({
    text: LANGUAGE_NAMES[language],
    callback_data: `language:${language}`,
  }));
  return { text: t('common.chooseLanguage'), keyboard: [buttons] };
}

/** The answer to it, and where it can be changed. */
export function genderSavedScreen(
  t: Translate,
  gender: Gender,
  { isOwn = false }: { readonly isOwn?: boolean } = {},
): Screen {
  return { text: isOwn ? t(`common.genders.${gender}`) : t(`common.genderSaved.${gender}`) };
}

/** The question after the gender; `dataOf` says what a button does. */
export function genderScreen(t: Translate, dataOf: (gender: Gender) => string): Screen {
  const buttons = GENDERS.map((gender) => ({
    text: t(`common.genders.${gender}`),
    callback_data: dataOf(gender),
  }));
  return { text: t('common.askGender'), keyboard: [buttons] };
}
