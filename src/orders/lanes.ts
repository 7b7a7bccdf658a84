import { inArray, notInArray, type SQL } from 'drizzle-orm';
import { orders } from '../db/schema.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { Service } from '../services/service.ts';

/** Trainings take hours: they have workers of their own, and hold up nobody. */
export type Lane = 'step' | 'training';

/** Trainings that run at once: they take nothing of this machine. */
export const TRAININGS_AT_ONCE = 50;

export function laneOf({ finish }: Pick<Service, 'finish'>): Lane {
  return finish === 'trained_model' ? 'training' : 'step';
}

/** The lane of whatever a model is sold for. */
export function laneOfModel({ services }: Catalogue, modelId: string): Lane {
  const service = services.find(({ models }) => models.some(({ id }) => id === modelId));
  return service ? laneOf(service) : 'step';
}

/** Whether a row of `orders` is in this lane. */
export function inLane({ services }: Catalogue, lane: Lane): SQL {
  const trained = services.filter((service) => laneOf(service) === 'training');
  const ids = trained.map(({ id }) => id);
  return lane === 'training'
    ? inArray(orders.serviceType, ids)
    : notInArray(orders.serviceType, ids);
}
