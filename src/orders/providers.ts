import type { Provider } from '../providers/provider.ts';
import { createProviderGate, type ProviderGate } from './provider-gate.ts';

/** Who renders, by name, each behind a door of its own. */
export interface Providers {
  /** Undefined where it is not configured here (any more). */
  find(name: string): Provider | undefined;
  /** @throws Error where it is not configured here. */
  gateOf(name: string): ProviderGate;
  readonly all: readonly Provider[];
}

export function createProviders(
  providers: readonly Provider[],
  gate: Parameters<typeof createProviderGate>[0],
): Providers {
  const gates = new Map(providers.map(({ name }) => [name as string, createProviderGate(gate)]));
  return {
    all: providers,
    find: (name) => providers.find((provider) => provider.name === name),
    gateOf(name) {
      const found = gates.get(name);
      if (!found) throw new Error(`No provider called ${name} is configured`);
      return found;
    },
  };
}
