import type { Period } from '../domain/period.ts';
import type { Stars } from '../domain/stars.ts';
import type { AuditReport } from '../ledger/audit.ts';
import type { ExportKind, ExportTable } from '../ledger/exports.ts';
import type { Statistics } from '../ledger/statistics.ts';
import type { AdminLog } from '../people/admin-log.ts';
import type { Bans } from '../people/bans.ts';
import type { Directory } from '../people/directory.ts';
import type { Forgetting } from '../people/forgetting.ts';
import type { Promo } from '../people/promo.ts';
import type { Referral } from '../people/referral.ts';
import type { Sales } from '../people/sales.ts';
import type { Tickets } from '../people/tickets.ts';

/** What support, bonuses and the operators need of the books and of the people. */
export interface Office {
  readonly adminLog: AdminLog;
  readonly bans: Bans;
  readonly directory: Directory;
  readonly forgetting: Forgetting;
  readonly promo: Promo;
  readonly referral: Referral;
  /** What an invited person's first payment brings to whoever invited them; may be none. */
  readonly referralBonus: Stars;
  readonly sales: Sales;
  readonly tickets: Tickets;
  audit(): Promise<AuditReport>;
  /** Of a period that ends now. */
  statistics(period: Period, now: Date): Promise<Statistics>;
  exportTable(kind: ExportKind, period: Period, now: Date): ExportTable;
}
