import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalogue } from '../services/catalogue.ts';
import type { Service, StepMaterial } from '../services/service.ts';
import type { ChatPort } from './chat-port.ts';
import type { Providers } from './providers.ts';

/** Models that do not tell are asked again this often at the most. */
const MAX_CHECKS = 60;

/** Files that an example is made of: only the fields they go to are looked at. */
const MATERIAL: Omit<StepMaterial, 'model'> = {
  position: 0,
  photos: ['/1.jpg', '/2.jpg'],
  canvas: { width: 1280, height: 720 },
  recording: '/1.mp3',
  archive: '/1.zip',
};

export interface CheckDeps {
  readonly catalogue: Catalogue;
  readonly providers: Providers;
  readonly chat: Pick<ChatPort, 'alarm'>;
  /** From now on the model is not offered. */
  readonly withdraw: (model: string) => void;
}

/**
 * Compares what is sent to each model with its live schema. A model that lacks one of our fields is not
 * offered any more, and the operator is told: better than a person who paid finding it out.
 * @param only the models to be checked; all by default.
 * @returns those that did not tell their fields.
 */
export async function checkModels(
  deps: CheckDeps,
  signal: AbortSignal,
  only?: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const unknown = new Set<string>();
  const sent = new Map<string, Set<string>>();
  for (const service of deps.catalogue.services) {
    for (const [model, fields] of fieldsSent(deps.catalogue, service)) {
      sent.set(model, new Set([...(sent.get(model) ?? []), ...fields]));
    }
  }
  await Promise.all(
    [...sent].map(async ([model, fields]) => {
      if (only && !only.has(model)) return;
      const entry = deps.catalogue.findModel(model);
      const provider = deps.providers.find(entry?.provider ?? 'replicate');
      const live = await provider?.readInputFields?.(model, signal);
      if (live?.kind === 'unknown') unknown.add(model);
      if (live?.kind !== 'known') return;
      const missing = [...fields].filter((field) => !live.fields.has(field));
      if (missing.length === 0) return;
      deps.withdraw(model);
      await deps.chat.alarm({ kind: 'model_drifted', model, fields: missing });
    }),
  );
  return unknown;
}

/**
 * Asks the models that did not tell again and again, for an hour at the most: a provider that was away at
 * the start comes back.
 * @param everyMs the pause before each time.
 */
export async function checkAgain(
  deps: CheckDeps,
  unknown: ReadonlySet<string>,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  let left = unknown;
  for (let checks = 0; left.size > 0 && checks < MAX_CHECKS; checks += 1) {
    // Nothing waits for this, and it keeps no process alive.
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    left = await checkModels(deps, signal, left);
  }
}

/** The fields of every example, by the model they are sent to. */
function fieldsSent(
  { terms }: Catalogue,
  service: Service,
): readonly (readonly [string, readonly string[]])[] {
  return service.examples(terms).flatMap((input) => {
    const entry = service.model(input, terms);
    if (entry === undefined) return [];
    const { model, input: fields, files } = service.request(input, { ...MATERIAL, model: entry });
    // What is rendered by a model of the person's own has no schema to ask for here.
    return model === entry
      ? [[model, [...Object.keys(fields), ...Object.keys(files)]] as const]
      : [];
  });
}
