import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createTranslator, LANGUAGES, LOCALES_DIR } from '../src/bot/i18n.ts';
import { orderLine } from '../src/bot/views/service.ts';
import { createCatalogue } from '../src/services/catalogue.ts';
import { SERVICES } from '../src/services/index.ts';
import type { Question, Service } from '../src/services/service.ts';
import { TERMS } from './services/terms.ts';

const PLURAL = /_(zero|one|two|few|many|other)$/;

/** Every text of a language by its full name, plural forms apart. */
function readTexts(language: string): Map<string, string> {
  const texts = new Map<string, string>();
  const walk = (value: unknown, name: string): void => {
    if (typeof value === 'string') {
      texts.set(name, value);
      return;
    }
    assert.ok(typeof value === 'object' && value !== null, `${name} is a text or a group`);
    for (const [key, inner] of Object.entries(value)) walk(inner, `${name}.${key}`);
  };
  const directory = join(LOCALES_DIR, language);
  for (const file of readdirSync(directory)) {
    walk(JSON.parse(readFileSync(join(directory, file), 'utf8')), file.replace('.json', ''));
  }
  return texts;
}

const texts = new Map(LANGUAGES.map((language) => [language, readTexts(language)]));
const of = (language: string) => texts.get(language as 'en') ?? new Map<string, string>();
const en = of('en');
const ru = of('ru');

const baseNames = (all: Map<string, string>) =>
  new Set([...all.keys()].map((name) => name.replace(PLURAL, '')));
const placeholders = (text: string) =>
  [...new Set(text.match(/\{\{\w+\}\}/g) ?? [])].filter((name) => name !== '{{count}}').sort();

/** A company is called the same in every language. */
const COMPANIES = /Black Forest Labs/g;

/** What a person reads: markup, placeholders and names gone. */
const visible = (text: string) =>
  text
    .replaceAll(COMPANIES, '')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll(/\{\{\w+\}\}/g, '')
    .replaceAll(/https?:\S+|\/\w+/g, '');

describe('the languages say the same', () => {
  test('they have the same texts', () => {
    assert.deepEqual([...baseNames(ru)].sort(), [...baseNames(en)].sort());
  });

  test('each has the plural forms of its grammar, and no others', () => {
    for (const language of LANGUAGES) {
      const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
      const given = new Map<string, string[]>();
      for (const name of of(language).keys()) {
        const form = PLURAL.exec(name)?.[1];
        const base = name.replace(PLURAL, '');
        if (form) given.set(base, [...(given.get(base) ?? []), form]);
      }
      for (const [base, found] of given) {
        assert.deepEqual(found.sort(), forms, `${language}: ${base}`);
      }
    }
  });

  test('they fill in the same values', () => {
    const wanted = new Map<string, string>();
    for (const [name, text] of en) {
      wanted.set(name.replace(PLURAL, ''), placeholders(text).join());
    }
    for (const [name, text] of [...ru, ...en]) {
      assert.equal(placeholders(text).join(), wanted.get(name.replace(PLURAL, '')), name);
    }
  });

  test('a counted text shows its number in every form', () => {
    for (const [name, text] of [...en, ...ru]) {
      if (PLURAL.test(name)) assert.match(text, /\{\{count\}\}/, name);
      else assert.doesNotMatch(text, /\{\{count\}\}/, name);
    }
  });
});

describe('each language is written in its own letters', () => {
  test('no Cyrillic in English', () => {
    for (const [name, text] of en) assert.doesNotMatch(text, /\p{Script=Cyrillic}/u, name);
  });

  test('no sentence in Latin letters in Russian', () => {
    for (const [name, text] of ru) {
      const latin = visible(text).match(/[A-Za-z]{2,}(?:[\s,]+[A-Za-z]{2,}){2,}/);
      assert.equal(latin, null, `${name}: ${latin?.[0]}`);
      const words = visible(text).replaceAll(/[^\p{L}]/gu, '');
      if (words.length > 3) assert.match(text, /\p{Script=Cyrillic}/u, name);
    }
  });
});

describe('the services have their words', () => {
  const catalogue = createCatalogue(SERVICES, TERMS);
  const declared = catalogue.services.flatMap((service) =>
    wordsOf(service).map((word) => `services.${service.id}.${word}`),
  );
  const translator = createTranslator(LOCALES_DIR);

  for (const language of LANGUAGES) {
    const texts = of(language);
    const given = [...texts.keys()].filter((name) => name.startsWith('services.'));

    test(`${language}: all that are declared, and no others`, () => {
      const names = new Set(given.map((name) => name.replace(PLURAL, '')));
      assert.deepEqual([...names].sort(), declared.toSorted());
    });

    test(`${language}: the line of an order has all its values`, () => {
      for (const service of catalogue.services) {
        for (const example of service.examples(TERMS)) {
          const input = service.input.parse(example);
          assert.ok(typeof input === 'object' && input !== null);
          const line = orderLine(translator(language), catalogue, service, {
            input: { ...input },
          });
          assert.doesNotMatch(line, /\{\{|services\.|undefined/, service.id);
        }
      }
    });

    test(`${language}: labels are short and plain, and nothing but a line or a count has values`, () => {
      for (const name of given) {
        const text = texts.get(name) ?? '';
        if (/\.command$/.test(name)) assert.ok(text.length <= 100, name);
        if (/^services\.\w+\.(name|button|again\.\w+)$/.test(name))
          assert.ok(text.length <= 28, name);
        if (/\.presets\./.test(name)) assert.ok(text.length <= 24, name);
        if (/\.options\./.test(name)) assert.ok(text.length <= 32, name);
        assert.doesNotMatch(text, /[<>&]/, name);
        if (!/\.(quoteLine|step)(_|$)/.test(name)) assert.deepEqual(placeholders(text), [], name);
      }
    });
  }
});

/** The words that a service needs for what it declares, by their names below `services.<id>`. */
function wordsOf(service: Service): string[] {
  const always = ['name', 'button', 'command', 'about', 'quoteLine', 'step', 'done'];
  const asked = service.questions.flatMap((question) => [
    ...(isAskedInItsWords(question) ? [`ask.${question.field}`] : []),
    ...answersOf(service, question),
  ]);
  const again = ['repeat', ...service.again].map((field) => `again.${field}`);
  return [...always, ...asked, ...again];
}

/** The gender, the avatar and the photos of a morph are asked for in words that all services share. */
function isAskedInItsWords(question: Question): boolean {
  if (question.kind === 'photos') return question.max !== 'all';
  return question.kind !== 'gender' && question.kind !== 'avatar';
}

/** Names of the answers that have no label of their own. */
function answersOf(service: Service, question: Question): string[] {
  const { field } = question;
  if (question.kind === 'text') {
    return (question.presets ?? []).map(({ value }) => `presets.${field}.${value}`);
  }
  if (question.kind !== 'choice') return [];
  const before = [{}, ...service.examples(TERMS).map((example) => ({ ...Object(example) }))];
  const options = before.flatMap((answers) => question.options(TERMS, answers));
  const unnamed = options.filter(({ label }) => label === undefined);
  return [...new Set(unnamed.map(({ value }) => `options.${field}.${value}`))];
}

describe("the texts fit into Telegram's limits", () => {
  for (const language of LANGUAGES) {
    const all = of(language);
    const within = (pattern: RegExp, limit: number) => {
      const found = [...all].filter(([name]) => pattern.test(name));
      assert.ok(found.length > 0, String(pattern));
      for (const [name, text] of found) assert.ok(text.length <= limit, `${language}: ${name}`);
    };

    test(`${language}: messages, captions, toasts, command descriptions, button labels`, () => {
      within(/./, 3_500);
      within(/^common\.welcome$|^order\.(preview|document|again)/, 900);
      within(
        /^morph\.(closed|alreadyConfirmed)\.|^morph\.(undone|cleared|confirmed|quoteOutdated|counting|questionFirst)$/,
        200,
      );
      within(/^order\.(tooLate|alreadyOver|cancelledToast)$|^common\.oldButton$/, 200);
      within(/^account\.sendingAgain$/, 200);
      within(/^pay\.(refused\.|(pack|order)Description)/, 200);
      within(/^pay\.(packTitle|orderTitle)$/, 32);
      within(/^pay\.(missing|pay|notNow|accept|return|returnYes|returnNo)$/, 40);
      within(/^pay\.(invoiceCancelled|invoiceOver|termsAccepted)$/, 200);
      within(/commands\./, 256);
      within(/^support\.banned$/, 200);
      within(/^office\.stats\.caption$/, 700);
      within(
        /^support\.(write|writeAgain|neverMind)$|^support\.invite\.share$|^office\.ticket\.close$/,
        32,
      );
      within(/^common\.(menu|genders)\.|^common\.(continue|cancel|status)$/, 24);
      within(/^morph\.(modes\.|done$|undo$|clear$|addPhotos$|back$|confirm$|topUp$)/, 20);
      within(/^order\.(partialYes|partialNo|makeAnother|cancelPaid)$/, 32);
    });
  }

  test('labels and toasts hold no markup', () => {
    const plain =
      /^office\.(commands|stats\.(?!caption|usage))|^support\.(banned|write|writeAgain|neverMind)$|^support\.invite\.share(Text)?$|^office\.ticket\.close$|^common\.(menu|genders|commands)\.|^common\.(continue|cancel|status|oldButton|somethingBroke)$|^morph\.(closed|alreadyConfirmed|modes)\.|^morph\.(done|undo|clear|undone|cleared|addPhotos|back|confirm|confirmed|topUp|sheet|quoteOutdated|counting|questionFirst)$|^account\.sendingAgain$|^pay\.(refused\.|(pack|order)|(missing|label|pay|notNow|accept|return|returnYes|returnNo|invoiceCancelled|invoiceOver|termsAccepted)$)|^order\.(tooLate|alreadyOver|cancelledToast|partialYes|partialNo|makeAnother|cancelPaid)$/;
    for (const [name, text] of [...en, ...ru]) {
      if (plain.test(name.replace(PLURAL, ''))) assert.doesNotMatch(text, /[<>&]/, name);
    }
  });

  test('markup is closed, and is such as Telegram knows', () => {
    for (const [name, text] of [...en, ...ru]) {
      const open: string[] = [];
      for (const [, slash, tag = ''] of text.matchAll(/<(\/?)(\w+)[^>]*>/g)) {
        assert.match(tag, /^(b|i|a|code)$/, name);
        if (slash) assert.equal(open.pop(), tag, name);
        else open.push(tag);
      }
      assert.deepEqual(open, [], name);
    }
  });
});

test('every text is used by the bot', () => {
  const root = join(LOCALES_DIR, '..');
  const source = globSync('src/bot/**/*.ts', { cwd: root })
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
  const exact = new Set(source.match(/(?<=['`])[a-z]+\.[\w.]+(?=['`])/g) ?? []);
  const built = [...source.matchAll(/`([a-z]+\.[\w.]*)\$\{[^}]+\}`/g)].map(
    ([, prefix = '']) => prefix,
  );
  const groups = [...exact].map((name) => `${name}.`);
  const unused = [...baseNames(en)].filter(
    (name) => !exact.has(name) && ![...groups, ...built].some((prefix) => name.startsWith(prefix)),
  );
  assert.deepEqual(unused, []);
});
