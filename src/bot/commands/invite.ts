import { invitePayload } from '../invite-link.ts';
import { inviteScreen } from '../views/invite.ts';
import type { Command, CommandDeps } from './command.ts';

/** /invite: a person's own link, and what it has brought. */
export function createInviteCommand({ messenger, office }: CommandDeps): Command {
  return {
    name: 'invite',
    description: 'common.commands.invite',
    async handle({ person, t, me }) {
      const link = `https://t.me/${me.username}?start=${invitePayload(person.id)}`;
      const summary = await office.referral.summary(person.id);
      const bonus = office.referralBonus;
      await messenger.send(person.id, inviteScreen(t, { link, bonus, summary }));
    },
  };
}
