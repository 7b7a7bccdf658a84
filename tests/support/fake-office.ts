import type { Office } from '../../src/bot/office.ts';
import { NO_STARS } from '../../src/domain/stars.ts';
import type { AdminDeed } from '../../src/people/admin-log.ts';
import type { Person } from '../../src/people/people.ts';
import { unused } from './unused.ts';

/** An office in memory, for bots that need little of it; the rest says what is missing. */
export function createFakeOffice(deps: {
  readonly people: ReadonlyMap<number, Person>;
  /** What operators did. */
  readonly deeds: AdminDeed[];
}): Office {
  const { people, deeds } = deps;
  return {
    adminLog: {
      async write(deed) {
        deeds.push(deed);
      },
      list: async () => [],
    },
    directory: {
      lookUp: async (text) => people.get(Number(text)),
    },
    bans: unused('bans'),
    forgetting: unused('forgetting'),
    promo: unused('promo'),
    referral: unused('referral'),
    referralBonus: NO_STARS,
    sales: unused('sales'),
    tickets: {
      open: () => Promise.reject(new Error('Questions need a database')),
      add: async () => ({ kind: 'unknown' }),
      answer: async () => ({ kind: 'unknown' }),
      close: async () => false,
      find: async () => undefined,
      waiting: async () => [],
      ofPerson: async () => [],
    },
    audit: () => Promise.reject(new Error('This test has no audit')),
    statistics: () => Promise.reject(new Error('This test has no statistics')),
    exportTable: () => unused('export'),
  };
}
