import { desc, eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { adminLog } from '../db/people-schema.ts';

/** What an operator did. */
export interface AdminDeed {
  readonly adminId: number;
  /** The command, without its slash. */
  readonly command: string;
  /** The person it was about. */
  readonly aboutId?: number | undefined;
  readonly why?: string | undefined;
  /** Whatever else makes it understood: amounts, ids, the outcome. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>> | undefined;
}

export interface LoggedDeed extends AdminDeed {
  readonly at: Date;
}

/** Who did what, about whom, when and why. Only ever added to; the database refuses the rest. */
export interface AdminLog {
  write(deed: AdminDeed): Promise<void>;
  /** The newest first, about one person or about everybody. */
  list(query: { readonly aboutId?: number; readonly limit: number }): Promise<LoggedDeed[]>;
}

export function createAdminLog(deps: { readonly db: Db }): AdminLog {
  return {
    async write(deed) {
      await deps.db.insert(adminLog).values(deed);
    },

    async list({ aboutId, limit }) {
      const rows = await deps.db
        .select()
        .from(adminLog)
        .where(aboutId === undefined ? undefined : eq(adminLog.aboutId, aboutId))
        .orderBy(desc(adminLog.id))
        .limit(limit);
      return rows.map((row) => ({
        adminId: row.adminId,
        command: row.command,
        aboutId: row.aboutId ?? undefined,
        why: row.why ?? undefined,
        details: row.details ?? undefined,
        at: row.createdAt,
      }));
    },
  };
}
