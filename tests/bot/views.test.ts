import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { showDay, showMovement, showWait } from '../../src/bot/amounts.ts';
import { createTranslator, LOCALES_DIR } from '../../src/bot/i18n.ts';
import { splitAlbums } from '../../src/bot/send-pictures.ts';
import { historyScreen, movementLine } from '../../src/bot/views/account.ts';
import { avatarsScreen, renameAvatarScreen } from '../../src/bot/views/avatars.ts';
import { returnScreen } from '../../src/bot/views/payments.ts';
import { countLine } from '../../src/bot/views/photos.ts';
import { progressScreen } from '../../src/bot/views/progress.ts';
import { noQuoteText, optionLine, quoteScreen } from '../../src/bot/views/quote.ts';
import {
  closingScreen,
  documentCaption,
  documentName,
  noticeScreen,
  previewCaption,
} from '../../src/bot/views/result.ts';
import { SKIP_REASONS } from '../../src/domain/skip-reason.ts';
import { stars } from '../../src/domain/stars.ts';
import type { ResultImages, ResultVideo } from '../../src/orders/chat-port.ts';
import type { Intake, OrderProgress, OrderView } from '../../src/orders/orders.ts';
import { createCatalogue } from '../../src/services/catalogue.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import { SERVICES } from '../../src/services/index.ts';

const translator = createTranslator(LOCALES_DIR);
const en = translator('en');
const ru = translator('ru');

const terms = {
  tariff: { starUsd: 0.016, markup: 1.5 },
  morphModel: 'kwaivgi/kling-v1.6-pro',
  isOffered: () => true,
};
const catalogue = createCatalogue([imageMorphing], terms);
const everything = createCatalogue(SERVICES, terms);

const view: OrderView = {
  id: 'abc',
  personId: 1,
  serviceType: 'image_morphing',
  state: 'rendering',
  answers: {},
  input: {},
  mode: 'seamless',
  price: stars(48_983),
  partial: null,
  collectorMessageId: null,
  progressMessageId: null,
  progressText: null,
  createdAt: new Date('2026-11-22T10:00:00Z'),
  endedAt: null,
};

const intake: Intake = {
  orderId: 'abc',
  personId: 1,
  state: 'draft',
  photos: 12,
  pending: 0,
  skipped: [],
  full: false,
};

const progress: OrderProgress = {
  order: view,
  total: 12,
  finished: 7,
  running: 5,
  ahead: 0,
  etaSeconds: 200,
  waitingForProvider: false,
  refunded: stars(0),
};

const video: ResultVideo = {
  kind: 'video',
  orderId: 'abc',
  personId: 1,
  serviceType: 'image_morphing',
  missing: 0,
  path: '/v.mp4',
  sizeBytes: 1,
  width: 1,
  height: 1,
  durationSeconds: 54.96,
  thumbnailPath: '/t.jpg',
  preview: { path: '/v.mp4', width: 1, height: 1 },
  documents: ['/v.mp4'],
  transitions: 11,
  replaced: [],
  refunded: stars(0),
  partial: false,
};

describe('the quote', () => {
  const option = (transitions: number) => ({
    quote: '0123abcd',
    mode: 'seamless' as const,
    transitions,
    seconds: transitions * 5,
    price: stars(transitions * 4453),
    waitSeconds: 1,
  });

  test('names mode, transitions, seconds and the price with two decimals', () => {
    assert.equal(optionLine(en, option(11)), 'Seamless — 11 transitions · 55 s · 489.83 ⭐');
    assert.equal(
      optionLine(en, { ...option(1), mode: 'loop', price: stars(750) }),
      'Loop — 1 transition · 5 s · 7.50 ⭐',
    );
  });

  test('counts in Russian as Russians do', () => {
    const counted = [1, 2, 5, 11, 21, 22, 112].map(
      (n) => optionLine(ru, option(n)).split(' · ')[0],
    );
    assert.deepEqual(
      counted.map((text) => text?.replace('До последнего фото — ', '')),
      [
        '1 переход',
        '2 перехода',
        '5 переходов',
        '11 переходов',
        '21 переход',
        '22 перехода',
        '112 переходов',
      ],
    );
  });

  const made = {
    kind: 'quoted',
    options: [],
    balance: stars(0),
    photos: 3,
    sheets: [],
    warnings: [],
    previewTransitions: 2,
  } as const;

  test('says which photos may disappoint, counted as on the sheet, and holds nobody back', () => {
    const warnings = [
      { kind: 'no_face', photos: [1] },
      { kind: 'blurred', photos: [0, 2] },
      {
        kind: 'same',
        groups: [
          [0, 2],
          [1, 3],
        ],
      },
    ] as const;
    const { text, keyboard } = quoteScreen(en, 'abc', { ...made, warnings }, []);
    assert.ok(
      text.includes(
        'Worth a second look, numbered as above:\n• no face found: 2\n• blurred: 1, 3\n• the same photo: 1, 3; 2, 4',
      ),
      text,
    );
    assert.deepEqual(keyboard, quoteScreen(en, 'abc', made, []).keyboard);
    const faceless = { ...made, warnings: [{ kind: 'no_face_at_all' }] } as const;
    assert.match(quoteScreen(ru, 'abc', faceless, []).text, /не нашёл лиц/);
    assert.doesNotMatch(quoteScreen(en, 'abc', made, []).text, /second look/);
  });

  test('names a handful of many photos', () => {
    const photos = Array.from({ length: 100 }, (_, position) => position);
    const many = { ...made, warnings: [{ kind: 'dark', photos }] } as const;
    assert.match(quoteScreen(en, 'abc', many, []).text, /rather dark: 1, 2, 3, 4, 5, 6, 7, 8…$/m);
  });

  test('offers a free preview, unless the operator gives none', () => {
    const labels = (previewTransitions: number) =>
      quoteScreen(en, 'abc', { ...made, previewTransitions }, []).keyboard?.flat();
    const shows = (previewTransitions: number) =>
      labels(previewTransitions)?.some(({ text }) => text.includes('Preview'));
    assert.equal(shows(2), true);
    assert.equal(shows(0), false);
  });

  test('names the files that are not in it', () => {
    const skipped = ['notes.txt', 'a<b.txt', null, 'last.pdf'].map((name) => ({
      name,
      reason: 'not_a_picture' as const,
    }));
    const shown = (count: number) => quoteScreen(en, 'abc', made, skipped.slice(0, count)).text;
    assert.match(shown(0), /^<b>3 photos<\/b>, numbered above/);
    assert.match(shown(1), /^<b>3 photos<\/b> \(1 file was skipped: notes\.txt\), numbered/);
    assert.match(shown(4), /\(4 files were skipped: notes\.txt, a&lt;b\.txt, a photo, …\)/);
  });

  test('says how many photos are too many', () => {
    const outcome = { kind: 'too_many', photos: 203, max: 200 } as const;
    assert.match(noQuoteText(en, outcome), /Up to 200 photos are possible, and 3 are too many/);
    assert.match(noQuoteText(ru, outcome), /до 200 фото, 3 лишних/);
  });
});

describe('the counter', () => {
  test('stays on one line while one file is skipped', () => {
    const skipped = [{ name: 'document.pdf', reason: 'not_a_picture' as const }];
    assert.equal(
      countLine(en, { ...intake, skipped, pending: 3 }),
      '<b>12 photos</b> · 1 skipped: document.pdf is not a picture · 3 arriving…',
    );
  });

  test('names the five files that were skipped last, and counts those before', () => {
    const skipped = Array.from({ length: 8 }, (_, index) => ({
      name: `f${index}.txt`,
      reason: 'not_a_picture' as const,
    }));
    const text = countLine(en, { ...intake, skipped });
    assert.equal(text.match(/•/g)?.length, 6);
    assert.match(text, /8 skipped:\n• 3 earlier ones\n• f3\.txt/);
    assert.match(text, /• f7\.txt is not a picture$/);
  });

  test('shows a name as text, shortened around its middle, whatever is in it', () => {
    const name = `<b>&${'x'.repeat(200)}.jpg`;
    const text = countLine(en, { ...intake, skipped: [{ name, reason: 'too_small' }] });
    assert.match(text, /&lt;b&gt;&amp;x+…x+\.jpg is too small/);
    assert.ok(text.length < 200, text);
  });

  test('has words for every reason in both languages', () => {
    for (const reason of SKIP_REASONS) {
      for (const t of [en, ru]) {
        const text = countLine(t, { ...intake, skipped: [{ name: null, reason }] });
        assert.doesNotMatch(text, /morph\.skip|\{\{/);
      }
    }
  });
});

describe('progress', () => {
  test('shows the bar, the count and a coarse time', () => {
    const { text, keyboard } = progressScreen(en, progress);
    assert.equal(
      text,
      '<b>Making your video</b>\n\n▰▰▰▰▰▱▱▱▱▱\n7 of 12 transitions\nReady in about 4 min\nPaid: 489.83 ⭐',
    );
    assert.equal(keyboard?.[0]?.[0]?.text, 'Cancel');
  });

  test('shows the place in the queue until something of it renders', () => {
    const waiting = { ...progress, finished: 0, running: 0, ahead: 3 };
    assert.match(progressScreen(en, waiting).text, /In the queue: 3 transitions ahead of you/);
    assert.match(progressScreen(ru, waiting).text, /В очереди: перед вами 3 перехода/);
    assert.doesNotMatch(progressScreen(en, { ...waiting, running: 1 }).text, /queue/);
  });

  test('promises no time while the provider takes no work', () => {
    const { text } = progressScreen(en, { ...progress, waitingForProvider: true });
    assert.match(text, /service is busy/);
    assert.doesNotMatch(text, /Ready in/);
  });

  test('asks about the shorter video until it is answered', () => {
    const shown = (partial: OrderView['partial'], state: OrderView['state'] = 'cancelled') =>
      progressScreen(en, { ...progress, order: { ...view, state, partial } });
    const labels = shown('offered')
      .keyboard?.flat()
      .map(({ text }) => text);
    assert.deepEqual(labels, ['Yes, send the shorter video', 'No, thanks']);
    assert.match(shown('offered').text, /7 of 12.*Shall I send you the shorter video/s);
    assert.equal(shown('declined').keyboard, undefined);
    assert.match(shown('declined').text, /There will be no video/);
    assert.equal(shown('accepted', 'finishing').keyboard, undefined);
  });

  test('offers Cancel only while there is something to cancel', () => {
    for (const state of ['finishing', 'delivering', 'delivered', 'cancelled', 'failed'] as const) {
      assert.equal(
        progressScreen(en, { ...progress, order: { ...view, state } }).keyboard,
        undefined,
      );
    }
  });
});

describe('the result', () => {
  test('is signed in the language of the person, as the last line', () => {
    assert.equal(
      previewCaption(en, video, 'morphogram_bot'),
      'Your morph: 11 transitions · 55 s\n\n✨ Created with @morphogram_bot ✨',
    );
    const caption = documentCaption(ru, { part: 1, of: 3 }, 'morphogram_bot');
    assert.match(caption, /часть 1 из 3/);
    assert.equal(caption.split('\n').at(-1), '✨ Создано с помощью @morphogram_bot ✨');
  });

  test('has a name that tells photos, day and part', () => {
    assert.equal(documentName(video, view, 1), 'morph-12-photos-2026-11-22.mp4');
    assert.equal(
      documentName(video, { ...view, mode: 'loop' }, 1),
      'morph-11-photos-2026-11-22.mp4',
    );
    const parts = { ...video, documents: ['/1', '/2', '/3'] };
    assert.equal(documentName(parts, view, 2), 'morph-12-photos-2026-11-22-part-2-of-3.mp4');
  });

  test('says what was replaced and what came back', () => {
    const closing = closingScreen(
      en,
      'en',
      catalogue,
      { ...video, replaced: [3], refunded: stars(4453) },
      view,
    );
    assert.match(closing.text, /Transition 3 was replaced by a simpler one of ours/);
    assert.match(closing.text, /44\.53 ⭐ came back.*Paid: 445\.30 ⭐$/s);
    const many = closingScreen(
      ru,
      'ru',
      catalogue,
      { ...video, replaced: [3, 5], refunded: stars(8906) },
      view,
    );
    assert.match(many.text, /Переходы 3, 5 заменены более простыми нашими/);
    assert.doesNotMatch(closingScreen(en, 'en', catalogue, video, view).text, /came back/);
  });

  test('that is not whole says so before it asks what comes next', () => {
    const pictures: ResultImages = {
      ...{ kind: 'images', orderId: 'abc', personId: 1, serviceType: 'neuro_photo' },
      ...{ transitions: 3, replaced: [], missing: 1, partial: false, images: [] },
      refunded: stars(750),
    };
    const order = { ...view, serviceType: 'neuro_photo', price: stars(3_000) };
    const { text } = closingScreen(en, 'en', everything, pictures, order);
    assert.equal(
      text,
      [
        "That's it, enjoy!",
        'Could not be made: 1 picture.',
        '7.50 ⭐ came back to your balance.',
        'Paid: 22.50 ⭐',
        'What shall we do next?',
      ].join('\n\n'),
    );
    const whole = { ...pictures, missing: 0, refunded: stars(0) };
    assert.equal(
      closingScreen(ru, 'ru', everything, whole, order).text,
      'Готово, надеюсь, понравится!\n\nОплачено: 30.00 ⭐\n\nЧто сделаем дальше?',
    );
  });

  test('of a shorter video does not tell again what came back at the cancel', () => {
    const shorter = { ...video, partial: true, refunded: stars(40_077) };
    const { text } = closingScreen(en, 'en', catalogue, shorter, view);
    assert.doesNotMatch(text, /came back/);
    assert.match(text, /Paid: 89\.06 ⭐$/);
  });

  test('that failed names what came back once: in the apology', () => {
    const order = { ...view, state: 'failed' as const };
    const refunded = stars(48_983);
    assert.doesNotMatch(progressScreen(en, { ...progress, order, refunded }).text, /⭐/);
    const about = { orderId: 'abc', personId: 1, serviceType: 'image_morphing' };
    const notice = { ...about, kind: 'failed', refunded } as const;
    for (const failure of ['delivery', 'stitching', 'timeout'] as const) {
      const { text } = noticeScreen(en, { ...notice, failure });
      assert.equal(text.match(/back/g)?.length, 1, text);
    }
  });
});

describe('small words', () => {
  test('time is rounded up, coarsely', () => {
    const waits = [10, 61, 200, 660, 3_000, 3_600, 4_900].map((seconds) => showWait(en, seconds));
    assert.deepEqual(waits, [
      'less than a minute',
      'about 2 min',
      'about 4 min',
      'about 15 min',
      'about 50 min',
      'about 1 h',
      'about 1 h 30 min',
    ]);
  });

  test('movements carry their sign, days their month', () => {
    const at = new Date('2026-11-22T23:30:00Z');
    const line = {
      kind: 'charge',
      source: null,
      serviceType: 'image_morphing',
      orderId: 'o1',
      count: 1,
      reason: null,
      at,
    } as const;
    assert.equal(
      movementLine(en, 'en', { ...line, amount: stars(-48_983) }),
      '22 Nov · <b>−489.83 ⭐</b> · Morph',
    );
    assert.equal(showMovement(stars(100)), '+1.00 ⭐');
    assert.match(showDay(at, 'ru'), /^22 нояб/);
  });

  test('a granted reason is shown as text', () => {
    const line = {
      kind: 'top_up',
      source: 'grant',
      serviceType: null,
      orderId: null,
      count: 1,
      reason: 'for <you>',
      amount: stars(100),
    } as const;
    assert.match(
      movementLine(en, 'en', { ...line, at: new Date() }),
      /added by the operator: for &lt;you&gt;$/,
    );
  });
});

test('the history has buttons for what can be sent again and for the pages there are', () => {
  const items = Array.from({ length: 5 }, (_, index) => ({
    order: { ...view, id: `o${index}`, state: 'delivered' as const },
    transitions: 3,
    finished: 3,
    refunded: stars(0),
    previewFileId: index === 1 ? null : 'file',
    documentFileIds: [],
    messageIds: index === 1 ? [] : [index],
  }));
  const screen = historyScreen(en, 'en', { items, total: 12, offset: 5 });
  const data = screen.keyboard?.map((row) =>
    row.map((button) => ('callback_data' in button ? button.callback_data : '')),
  );
  assert.deepEqual(data, [
    ['again:o0', 'again:o2', 'again:o3', 'again:o4'],
    ['history:0', 'history:10'],
  ]);
  assert.match(screen.text, /6\. 22 Nov · Morph · 3 transitions · 489\.83 ⭐ · delivered/);
});

test('the history tells what an order really was, less what came back', () => {
  const item = {
    order: { ...view, state: 'cancelled' as const, price: stars(17_812) },
    transitions: 4,
    finished: 2,
    refunded: stars(8_906),
    previewFileId: null,
    documentFileIds: [],
    messageIds: [],
  };
  const running = { ...item, order: { ...item.order, state: 'rendering' as const } };
  const { text } = historyScreen(en, 'en', { items: [item, running], total: 2, offset: 0 });
  assert.match(text, /2 of 4 transitions · 89\.06 ⭐ · cancelled/);
  assert.match(text, /2\. 22 Nov · Morph · 4 transitions · .* being made/);
});

describe('avatars', () => {
  test('are asked for only where they can be trained', () => {
    const sold = avatarsScreen(en, 'en', everything, []);
    assert.match(sold.text, /no avatar yet\. It takes 10 to 50 photos/);
    assert.equal(sold.keyboard?.length, 1);
    const unsold = avatarsScreen(en, 'en', catalogue, []);
    assert.equal(unsold.text, 'You have no avatar yet.');
  });

  test('may keep their name', () => {
    const avatar = { id: 7, name: 'Max', gender: 'male', createdAt: new Date() } as const;
    const labels = renameAvatarScreen(ru, avatar)
      .keyboard?.flat()
      .map(({ text }) => text);
    assert.deepEqual(labels, ['Оставить имя']);
  });
});

test('how long a payment can go back is told of one day as of many', () => {
  const none = (t: typeof en, days: number) => returnScreen(t, 'en', [], days).text;
  assert.match(none(en, 1), /within 1 day of paying/);
  assert.match(none(ru, 1), /не позже чем через 1 день после неё/);
  assert.match(none(ru, 2), /не позже чем через 2 дня после неё/);
});

test('pictures go out in albums of two to ten', () => {
  const sizes = (count: number) =>
    splitAlbums(Array.from({ length: count }, String)).map((album) => album.length);
  assert.deepEqual([0, 1, 2, 10, 11, 12, 21].map(sizes), [
    [],
    [1],
    [2],
    [10],
    [9, 2],
    [10, 2],
    [10, 9, 2],
  ]);
});
