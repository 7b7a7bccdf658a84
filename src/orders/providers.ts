import type { PredictionKind, Provider } from '../providers/provider.ts';
import { createProviderGate, type ProviderGate } from './provider-gate.ts';

/**
 * Who renders, by name, each behind a door of its own; and another one for trainings, which may be refused
 * where predictions are not.
 */
export interface Providers {
  /** Undefined where it is not configured here (any more). */
  find(name: string): Provider | undefined;
  /** @throws Error where it is not configured here. */
  gateOf(name: string, kind: PredictionKind): ProviderGate;
  readonly all: readonly Provider[];
}

export function createProviders(
  providers: readonly Provider[],
  gate: Parameters<typeof createProviderGate>[0],
): Providers {
  const gates = new Map<string, ProviderGate>();
  for (const { name } of providers) {
    gates.set(name, createProviderGate(gate));
    gates.set(`${name} training`, createProviderGate(gate));
  }
  return {
    all: providers,
    find: (name) => providers.find((provider) => provider.name === name),
    gateOf(name, kind) {
      const found = gates.get(kind === 'training' ? `${name} training` : name);
      if (!found) throw new Error(`No provider called ${name} is configured`);
      return found;
    },
  };
}
