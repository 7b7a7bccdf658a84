import { GENDERS } from '../../domain/gender.ts';
import { genderSavedScreen, genderScreen } from '../views/menu.ts';
import type { Command, CommandDeps } from './command.ts';

/** /gender: what the model is told about the person in the photos. */
export function createGenderCommand({ messenger, people }: CommandDeps): Command {
  return {
    name: 'gender',
    description: 'common.commands.gender',
    async handle({ person, t }) {
      const screen = genderScreen(t, (gender) => `gender:${gender}`);
      await messenger.send(person.id, screen);
    },
    button: {
      prefix: 'gender',
      async press({ person, t, messageId, answer }, value) {
        const gender = GENDERS.find((known) => known === value);
        if (!gender) return false;
        await people.setGender(person.id, gender);
        await answer();
        await messenger.put(person.id, messageId, genderSavedScreen(t, gender));
        return true;
      },
    },
  };
}
