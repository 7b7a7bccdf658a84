import { InputFile } from 'grammy';
import { PERIODS, type Period } from '../../../domain/period.ts';
import type { Statistics } from '../../../ledger/statistics.ts';
import { drawStatsAside } from '../../chart/draw-stats-aside.ts';
import type { BotContext } from '../../context.ts';
import { describeError } from '../../log.ts';
import { statsCaption, statsPicture } from '../../views/stats.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand } from './admin-command.ts';

/** /stats [today|week|month|all]: what was sold, as a picture with a few lines. */
export function createStatsCommand(deps: CommandDeps): Command {
  const { api, messenger, office } = deps;

  async function show({ person: admin, t }: BotContext, period: Period, sales: Statistics) {
    const caption = statsCaption(t, admin.language, period, sales);
    const picture = statsPicture(t, admin.language, period, sales);
    const png = await drawStatsAside(picture).catch((error: unknown) => {
      deps.log.warn(describeError(error), 'The statistics could not be drawn');
      return undefined;
    });
    if (!png) return messenger.send(admin.id, { text: caption });
    const file = new InputFile(png, `stats-${period}.png`);
    return api.sendPhoto(admin.id, file, { caption, parse_mode: 'HTML' });
  }

  return createAdminCommand(deps, 'stats', async (ctx, words) => {
    const { person: admin, t } = ctx;
    const period = words === '' ? 'week' : PERIODS.find((known) => known === words.toLowerCase());
    if (!period) return { answer: { text: t('office.stats.usage') } };
    const answer = () =>
      messenger.during(admin.id, 'upload_photo', async () =>
        show(ctx, period, await office.statistics(period, new Date())),
      );
    return { deed: { details: { period } }, answer };
  });
}
