import { parseStars, type Stars } from '../../../domain/stars.ts';
import { showStars } from '../../amounts.ts';
import { promoScreen, promoValues } from '../../views/office.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand } from './admin-command.ts';

/** Slips of the finger stay below these. */
const MAX_STARS = 1_000_000 as Stars;
const MAX_USES = 100_000;
const MAX_DAYS = 3_650;

/** Codes that are listed when none is made. */
const SHOWN = 10;

/** /promo_new CODE stars uses days: a code that gives stars to whoever types it, each person once. */
export function createPromoNewCommand(deps: CommandDeps): Command {
  const { promo } = deps.office;

  return createAdminCommand(deps, 'promo_new', async ({ person: admin, t }, words) => {
    const [code, stars, uses, days, ...more] = words.split(/\s+/);
    const amount = parseStars(stars ?? '');
    const wanted = { uses: Number(uses), days: Number(days) };
    if (!code || amount === undefined || !isCount(uses) || !isCount(days) || more.length > 0) {
      return { answer: promoScreen(t, admin.language, await promo.list(SHOWN)) };
    }
    const isWithin = amount <= MAX_STARS && wanted.uses <= MAX_USES && wanted.days <= MAX_DAYS;
    const created = isWithin
      ? await promo.create({ code, stars: amount, ...wanted, adminId: admin.id })
      : ({ kind: 'invalid' } as const);
    if (created.kind === 'invalid') {
      const limits = { max: showStars(MAX_STARS), uses: MAX_USES, days: MAX_DAYS };
      return { answer: { text: t('office.promoInvalid', limits) } };
    }
    const key = created.kind === 'created' ? 'office.promoCreated' : 'office.promoExists';
    return {
      deed: {
        details: {
          outcome: created.kind,
          code: created.promo.code,
          ...{ stars: amount / 100, ...wanted },
        },
      },
      answer: { text: t(key, promoValues(created.promo, admin.language)) },
    };
  });
}

function isCount(text: string | undefined): boolean {
  return /^\d{1,9}$/.test(text ?? '');
}
