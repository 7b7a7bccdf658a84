import { assertNever } from '../domain/assert-never.ts';
import type { StarDifference } from '../ledger/star-transaction.ts';
import type { Alarm } from '../orders/chat-port.ts';
import type { People } from '../people/people.ts';
import { escapeHtml, type Translate, type Translator } from './i18n.ts';
import { describeError, type Log } from './log.ts';
import type { Messenger } from './messenger.ts';
import { createRecent } from './recent.ts';

/** A payment that is not as it should be. */
interface TroubledPayment {
  readonly chargeId: string;
  readonly personId: number;
  readonly amountXtr: number;
}

/** Something about stars that an operator should look at. */
export type StarAlarm =
  /** Telegram's books and ours differ, and the reconciliation cannot mend it. */
  | { readonly kind: 'stars_differ'; readonly differences: readonly StarDifference[] }
  /** They could not be compared at all, several times in a row; it is tried again. */
  | { readonly kind: 'stars_uncompared'; readonly times: number; readonly error: string }
  /** A charge id was told again, with another person or amount. */
  | ({ readonly kind: 'payment_conflict' } & TroubledPayment)
  /** Telegram took a payment back by itself, or somebody did by hand. */
  | ({ readonly kind: 'payment_reversed' } & TroubledPayment)
  /** Telegram refuses a refund for good; the stars are back on the person's balance. */
  | ({ readonly kind: 'refund_failed'; readonly error: string } & TroubledPayment)
  /** Telegram has not taken a refund after many tries; it is tried again. */
  | ({ readonly kind: 'refund_stuck'; readonly error: string } & TroubledPayment)
  /** The bot has fewer stars at Telegram than it should give back; it is tried again. */
  | ({ readonly kind: 'refund_unfunded' } & TroubledPayment);

/** What goes on until somebody mends it, and is found again and again. */
const LASTING: readonly string[] = ['stars_differ', 'stars_uncompared'];

/**
 * Tells all admins what needs them, the same thing at most once an hour; what goes on until somebody mends
 * it, once for as long as it is found again within an hour.
 */
export function createAlarms(deps: {
  readonly adminIds: readonly number[];
  readonly people: Pick<People, 'find'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly log: Log;
}): (alarm: Alarm | StarAlarm) => Promise<void> {
  const told = createRecent<string, true>();
  const sending = new Set<string>();

  /** Whether the message arrived. */
  async function tell(adminId: number, alarm: Alarm | StarAlarm): Promise<boolean> {
    try {
      const admin = await deps.people.find(adminId);
      const t = deps.translator(admin?.language ?? 'en');
      const message = await deps.messenger.send(adminId, { text: alarmText(t, alarm) });
      return message !== undefined;
    } catch (error) {
      deps.log.error(describeError(error), 'An alarm did not reach an admin');
      return false;
    }
  }

  return async (alarm) => {
    deps.log.error({ ...alarm, kind: undefined, alarm: alarm.kind }, 'Alarm');
    const key = keyOf(alarm);
    if (sending.has(key)) return;
    if (told.get(key)) {
      if (LASTING.includes(alarm.kind)) told.set(key, true);
      return;
    }
    sending.add(key);
    try {
      for (const adminId of deps.adminIds) {
        // One that reached nobody is told again when it comes again.
        if (await tell(adminId, alarm)) told.set(key, true);
      }
    } finally {
      sending.delete(key);
    }
  };
}

/** What makes an alarm the same as one before; of payments and models, each is a matter of its own. */
function keyOf(alarm: Alarm | StarAlarm): string {
  if ('chargeId' in alarm) return `${alarm.kind}:${alarm.chargeId}`;
  if (alarm.kind === 'model_drifted') return `${alarm.kind}:${alarm.model}`;
  if (alarm.kind !== 'stars_differ') return alarm.kind;
  const lines = alarm.differences.map(({ kind, chargeId }) => `${kind}:${chargeId}`);
  return [alarm.kind, ...lines].join();
}

/** Differences that an alarm names. */
const NAMED_DIFFERENCES = 5;

function alarmText(t: Translate, alarm: Alarm | StarAlarm): string {
  switch (alarm.kind) {
    case 'out_of_credit':
    case 'provider_unauthorized':
    case 'disk_full':
      return t(`admin.alarms.${alarm.kind}`);
    case 'model_drifted':
      return t('admin.alarms.model_drifted', {
        model: escapeHtml(alarm.model),
        fields: escapeHtml(alarm.fields.join(', ')),
      });
    case 'order_failed':
      return t('admin.alarms.order_failed', {
        order: escapeHtml(alarm.orderId),
        failure: escapeHtml(alarm.failure),
      });
    case 'stars_differ': {
      const lines = alarm.differences
        .slice(0, NAMED_DIFFERENCES)
        .map((difference) => `• ${differenceText(t, difference)}`);
      if (alarm.differences.length > lines.length) lines.push('…');
      const count = alarm.differences.length;
      return [t('admin.alarms.stars_differ', { count }), ...lines].join('\n');
    }
    case 'stars_uncompared': {
      const { times: count, error } = alarm;
      return t('admin.alarms.stars_uncompared', { count, error: escapeHtml(error) });
    }
    case 'payment_conflict':
    case 'payment_reversed':
    case 'refund_unfunded':
      return t(`admin.alarms.${alarm.kind}`, paymentValues(alarm));
    case 'refund_failed':
    case 'refund_stuck':
      return t(`admin.alarms.${alarm.kind}`, {
        ...paymentValues(alarm),
        error: escapeHtml(alarm.error),
      });
    default:
      return assertNever(alarm);
  }
}

function paymentValues({ chargeId, personId, amountXtr }: TroubledPayment) {
  return { charge: escapeHtml(chargeId), id: personId, stars: amountXtr };
}

/** What one side has and the other has not. */
function differenceText(t: Translate, difference: StarDifference): string {
  const side = (one: StarDifference['ours']) =>
    one ? t('admin.differences.side', { stars: one.amountXtr, id: one.personId }) : '—';
  return t(`admin.differences.${difference.kind}`, {
    charge: escapeHtml(difference.chargeId),
    ours: side(difference.ours),
    telegrams: side(difference.telegrams),
  });
}
