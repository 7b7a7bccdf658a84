import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstance } from 'i18next';
import type account from '../../locales/en/account.json';
import type admin from '../../locales/en/admin.json';
import type common from '../../locales/en/common.json';
import type legal from '../../locales/en/legal.json';
import type morph from '../../locales/en/morph.json';
import type office from '../../locales/en/office.json';
import type order from '../../locales/en/order.json';
import type pay from '../../locales/en/pay.json';
import type support from '../../locales/en/support.json';
import type { Language } from '../people/people.ts';

/** Every text there is, as English has them: the other languages follow, and a test sees to it. */
interface Texts {
  readonly account: typeof account;
  readonly admin: typeof admin;
  readonly common: typeof common;
  readonly legal: typeof legal;
  readonly morph: typeof morph;
  readonly office: typeof office;
  readonly order: typeof order;
  readonly pay: typeof pay;
  readonly support: typeof support;
}

type PluralForm = 'zero' | 'one' | 'two' | 'few' | 'many' | 'other';
type Singular<K extends string> = K extends `${infer Base}_${PluralForm}` ? Base : K;
type KeysOf<T> = {
  [K in keyof T & string]: T[K] extends string ? Singular<K> : `${K}.${KeysOf<T[K]>}`;
}[keyof T & string];

/** The name of a text, `area.name`; one that does not exist does not compile. */
export type TextKey = KeysOf<Texts>;

/** A word of a service; which there are, its declaration says, and a test sees to it. */
export type ServiceTextKey = `services.${string}`;

/**
 * A text in one language. `count` chooses the plural form. The texts are Telegram HTML: values that
 * come from people go through `escapeHtml` first; labels of buttons and toasts hold no markup.
 */
export type Translate = (
  key: TextKey | ServiceTextKey,
  values?: Readonly<Record<string, string | number>>,
) => string;

/** The words of each language. */
export type Translator = (language: Language) => Translate;

export const LANGUAGES = ['en', 'ru'] as const satisfies readonly Language[];

/** The `locales/` of this repository. */
export const LOCALES_DIR = join(import.meta.dirname, '../../locales');

/** Words of services that are not in `locales`, by language and the id of the service. */
export type ServiceTexts = Readonly<Record<Language, Readonly<Record<string, object>>>>;

/** Reads `<localesDir>/<language>/*.json`; the names of the files are the areas. */
export function createTranslator(localesDir: string, more?: ServiceTexts): Translator {
  const resources = Object.fromEntries(
    LANGUAGES.map((language) => {
      const texts = readTexts(join(localesDir, language));
      const services = Object.assign({}, texts['services'], more?.[language]);
      return [language, { translation: { ...texts, services } }];
    }),
  );
  const instance = createInstance();
  void instance.init({
    resources,
    fallbackLng: 'en',
    initAsync: false,
    interpolation: { escapeValue: false },
  });
  const translates = new Map<Language, Translate>(
    LANGUAGES.map((language) => {
      const fixed = instance.getFixedT(language);
      return [language, (key, values = {}) => fixed(key, values)];
    }),
  );
  return (language) => {
    const translate = translates.get(language);
    if (!translate) throw new Error(`No texts in ${language}`);
    return translate;
  };
}

/** The words of one service, by their names below `services.<id>`. */
export function serviceWords(t: Translate, serviceType: string) {
  return (name: string, values?: Readonly<Record<string, string | number>>): string =>
    t(`services.${serviceType}.${name}`, values);
}

/** A language in the words of another: `English`, `русский`; the code itself where it has no name. */
export function nameLanguage(code: string, language: Language): string {
  return new Intl.DisplayNames([language], { type: 'language' }).of(code) ?? code;
}

/** Makes somebody's text harmless inside Telegram HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function readTexts(directory: string): Record<string, unknown> {
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(
    names.map((name) => [
      name.slice(0, -'.json'.length),
      JSON.parse(readFileSync(join(directory, name), 'utf8')) as unknown,
    ]),
  );
}
