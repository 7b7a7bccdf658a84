import { type Stars, stars, sumStars } from '../domain/stars.ts';
import type { Model } from './model.ts';
import type { Service, Terms } from './service.ts';

/** Something that can be ordered now, and what it costs at the least. */
export interface Offer {
  readonly service: Service;
  readonly from: Stars;
}

/** What is sold here, under the operator's terms. */
export interface Catalogue {
  readonly terms: Terms;
  /** Everything, whether it can be ordered now or not. */
  readonly services: readonly Service[];
  find(serviceType: string): Service | undefined;
  /** @throws Error for a service that there never was: a row of the database names it. */
  require(serviceType: string): Service;
  /** Those that can be ordered now, in the order of the menu. */
  offers(): readonly Offer[];
  /** The entry of a model that an order was quoted with. */
  findModel(modelId: string): Model | undefined;
}

/** @see Catalogue */
export function createCatalogue(services: readonly Service[], terms: Terms): Catalogue {
  const find = (serviceType: string) => services.find(({ id }) => id === serviceType);

  function offerOf(service: Service): readonly Offer[] {
    const prices = service.examples(terms).flatMap((input) => {
      const model = service.model(input, terms);
      if (model === undefined) return [];
      return sumStars(service.plan(input, terms, model).map(({ price }) => price));
    });
    return prices.length === 0 ? [] : [{ service, from: stars(Math.min(...prices)) }];
  }

  return {
    terms,
    services,
    find,
    require(serviceType) {
      const service = find(serviceType);
      if (!service) throw new Error(`Nothing called ${serviceType} is sold`);
      return service;
    },
    offers: () => services.flatMap(offerOf),
    findModel: (modelId) =>
      services.flatMap(({ models }) => models).find(({ id }) => id === modelId),
  };
}
