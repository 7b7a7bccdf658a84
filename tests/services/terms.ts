import { type Stars, sumStars } from '../../src/domain/stars.ts';
import type { Option, Question, Service, StepMaterial, Terms } from '../../src/services/service.ts';

/** The default tariff, with every model on offer but for those named. */
export function termsWithout(...missing: readonly string[]): Terms {
  return {
    tariff: { starUsd: 0.016, markup: 1.5 },
    morphModel: 'kwaivgi/kling-v1.6-pro',
    isOffered: (modelId) => !missing.includes(modelId),
  };
}

export const TERMS: Terms = termsWithout();

/** Nothing can be rendered. */
export const CLOSED: Terms = { ...TERMS, isOffered: () => false };

/** The files of a step, all there. */
export function materialOf(model: string, given: Partial<StepMaterial> = {}): StepMaterial {
  return {
    position: 0,
    model,
    photos: ['/files/photo.jpg', '/files/other.jpg'],
    recording: '/files/voice.ogg',
    archive: '/files/photos.zip',
    ...given,
  };
}

/** What an order costs, or undefined when nobody can make it now. */
export function priceOf<Input>(
  service: Service<Input>,
  input: Input,
  terms: Terms = TERMS,
): Stars | undefined {
  const model = service.model(input, terms);
  return model === undefined
    ? undefined
    : sumStars(service.plan(input, terms, model).map(({ price }) => price));
}

/** The question of a field. */
export function questionOf(service: Service, field: string): Question {
  const question = service.questions.find((each) => each.field === field);
  if (!question) throw new Error(`${service.id} does not ask for ${field}`);
  return question;
}

/** The answers to a choice that are on offer. */
export function optionsOf(
  service: Service,
  field: string,
  terms: Terms = TERMS,
  answers: Readonly<Record<string, unknown>> = {},
): readonly Option[] {
  const question = questionOf(service, field);
  if (question.kind !== 'choice') throw new Error(`${service.id}: ${field} is not a choice`);
  return question.options(terms, answers);
}
