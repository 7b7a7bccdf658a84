import { customType, timestamp } from 'drizzle-orm/pg-core';
import { formatStars, parseStars, type Stars } from '../domain/stars.ts';

/** `numeric(10,2)` in the database, integer hundredths in our code; the driver's text never leaks out. */
export const starsColumn = customType<{ data: Stars; driverData: string }>({
  dataType: () => 'numeric(10, 2)',
  toDriver: formatStars,
  fromDriver(value) {
    const amount = parseStars(String(value));
    if (amount === undefined) throw new Error(`Not an amount of stars: ${value}`);
    return amount;
  },
});

export const moment = (name: string) => timestamp(name, { withTimezone: true });
export const createdAt = () => moment('created_at').notNull().defaultNow();
