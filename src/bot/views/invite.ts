import { NO_STARS, type Stars } from '../../domain/stars.ts';
import type { ReferralSummary } from '../../people/referral.ts';
import { showStars } from '../amounts.ts';
import type { Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

/** A person's own link, what it brings and what it has brought. */
export function inviteScreen(
  t: Translate,
  invitation: {
    readonly link: string;
    readonly bonus: Stars;
    readonly summary: ReferralSummary;
  },
): Screen {
  const { link, bonus, summary } = invitation;
  const came =
    summary.invited === 0
      ? t('support.invite.nobodyCame')
      : t('support.invite.came', { count: summary.invited });
  const brought =
    summary.bonusStars > NO_STARS
      ? `, ${t('support.invite.brought', { stars: showStars(summary.bonusStars) })}`
      : '';
  const text = t('support.invite.shareText');
  // Not as a form: Telegram takes its plus signs for what they are.
  const share = `https://t.me/share/url?url=${encodeURIComponent(link)}&text=${encodeURIComponent(text)}`;
  return {
    text: [
      t('support.invite.title'),
      bonus > NO_STARS
        ? t('support.invite.bonus', { bonus: showStars(bonus) })
        : t('support.invite.noBonus'),
      t('support.invite.link', { link }),
      `${came}${brought}.`,
    ].join('\n\n'),
    keyboard: [[{ text: t('support.invite.share'), url: share }]],
  };
}
