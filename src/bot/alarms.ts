import type { Alarm } from '../orders/chat-port.ts';
import type { People } from '../people/people.ts';
import { escapeHtml, type Translate, type Translator } from './i18n.ts';
import { describeError, type Log } from './log.ts';
import type { Messenger } from './messenger.ts';

const ONCE_PER_MS = 3_600_000;

/** Tells all admins what needs them, one kind of alarm at most once an hour. */
export function createAlarms(deps: {
  readonly adminIds: readonly number[];
  readonly people: Pick<People, 'find'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly log: Log;
}): (alarm: Alarm) => Promise<void> {
  const toldAt = new Map<Alarm['kind'], number>();

  return async (alarm) => {
    deps.log.error({ ...alarm, kind: undefined, alarm: alarm.kind }, 'Alarm');
    if (Date.now() - (toldAt.get(alarm.kind) ?? 0) < ONCE_PER_MS) return;
    toldAt.set(alarm.kind, Date.now());
    for (const adminId of deps.adminIds) {
      try {
        const admin = await deps.people.find(adminId);
        const t = deps.translator(admin?.language ?? 'en');
        await deps.messenger.send(adminId, { text: alarmText(t, alarm) });
      } catch (error) {
        deps.log.error(describeError(error), 'An alarm did not reach an admin');
      }
    }
  };
}

function alarmText(t: Translate, alarm: Alarm): string {
  if (alarm.kind !== 'order_failed') return t(`admin.alarms.${alarm.kind}`);
  return t('admin.alarms.order_failed', {
    order: escapeHtml(alarm.orderId),
    failure: escapeHtml(alarm.failure),
  });
}
