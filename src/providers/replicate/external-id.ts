import type { PredictionKind } from '../provider.ts';

const TRAINING_PREFIX = 'training:';

/** Our name for what Replicate calls `id`: trainings and predictions are looked at on different routes. */
export function toExternalId(kind: PredictionKind, id: string): string {
  return kind === 'training' ? `${TRAINING_PREFIX}${id}` : id;
}

/** The API's route to the prediction or training behind an external id. */
export function routeOf(externalId: string): string {
  return externalId.startsWith(TRAINING_PREFIX)
    ? `/trainings/${encodeURIComponent(externalId.slice(TRAINING_PREFIX.length))}`
    : `/predictions/${encodeURIComponent(externalId)}`;
}
