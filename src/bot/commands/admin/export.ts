import { InputFile } from 'grammy';
import { PERIODS, type Period } from '../../../domain/period.ts';
import { EXPORTS, type ExportKind } from '../../../ledger/exports.ts';
import type { BotContext } from '../../context.ts';
import { writeCsv } from '../../csv.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand, splitFirst } from './admin-command.ts';

/** Below what a bot may upload; more is sent in parts. */
const FILE_BYTES = 30_000_000;

/** /export payments|orders|ledger [today|week|month|all]: the books as CSV. */
export function createExportCommand(deps: CommandDeps): Command {
  const { api, messenger, office } = deps;

  async function send({ person: admin, t }: BotContext, kind: ExportKind, period: Period) {
    const now = new Date();
    const words = {
      kind: t(`office.export.kinds.${kind}`),
      period: t(`office.stats.periods.${period}`),
    };
    let part = 0;
    for await (const { bytes, rows } of writeCsv(
      office.exportTable(kind, period, now),
      FILE_BYTES,
    )) {
      part += 1;
      const suffix = part === 1 ? '' : `-${part}`;
      const name = `${kind}-${period}-${now.toISOString().slice(0, 10)}${suffix}.csv`;
      const caption =
        part === 1
          ? t('office.export.caption', { ...words, rows })
          : t('office.export.captionPart', { ...words, rows, part });
      const typed = { caption, disable_content_type_detection: true };
      await api.sendDocument(admin.id, new InputFile(bytes, name), typed);
    }
    if (part === 0) await messenger.send(admin.id, { text: t('office.export.empty') });
  }

  return createAdminCommand(deps, 'export', async (ctx, words) => {
    const [what, rest] = splitFirst(words.toLowerCase());
    const kind = EXPORTS.find((known) => known === what);
    const period = rest === '' ? 'all' : PERIODS.find((known) => known === rest);
    if (!kind || !period) return { answer: { text: ctx.t('office.export.usage') } };
    const answer = () =>
      messenger.during(ctx.person.id, 'upload_document', () => send(ctx, kind, period));
    return { deed: { details: { kind, period } }, answer };
  });
}
