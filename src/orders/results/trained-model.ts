import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { avatars, predictions, steps } from '../../db/schema.ts';
import { GENDERS } from '../../domain/gender.ts';
import { trainedModelSchema } from '../outputs.ts';
import { readSteps } from '../rows.ts';
import { finishedOutputs, type ResultMaker } from './result-maker.ts';

/** What an avatar keeps of the order it was trained by. */
const avatarInput = z.object({ name: z.string(), gender: z.enum(GENDERS) });

/** A trained model becomes an avatar of its person; it is there when the person is told. */
export const trainedModel: ResultMaker = {
  async make({ db }, order) {
    if (finishedOutputs(await readSteps(db, order.id)).length === 0) {
      throw new Error(`Order ${order.id} has no trained model`);
    }
  },

  async settle(tx, order, { triggerWord = '' }) {
    const [output] = finishedOutputs(await readSteps(tx, order.id));
    const { version } = trainedModelSchema.parse(output?.outputInfo);
    const { name, gender } = avatarInput.parse(order.input);
    const [trained] = await tx
      .select({ provider: predictions.provider })
      .from(predictions)
      .innerJoin(steps, eq(steps.id, predictions.stepId))
      .where(eq(steps.orderId, order.id))
      .limit(1);
    await tx
      .insert(avatars)
      .values({
        ...{ personId: order.personId, orderId: order.id, name, gender },
        ...{ triggerWord, provider: trained?.provider ?? '', model: version },
      })
      .onConflictDoNothing();
  },

  async describe({ db }, order) {
    const [avatar] = await db.select().from(avatars).where(eq(avatars.orderId, order.id));
    if (!avatar) return undefined;
    const { id, name, gender } = avatar;
    return { kind: 'avatar', avatar: { id, name, gender } };
  },
};
