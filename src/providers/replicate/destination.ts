import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { type ApiAnswer, describeAnswer, failureOf } from '../api-answer.ts';
import type { ApiCall, CallApi } from './call-api.ts';
import { type ModelId, modelRoute, parseModelId } from './model-id.ts';
import { unlessAborted } from './unless-aborted.ts';

export type DestinationOutcome =
  | { readonly kind: 'ready'; readonly model: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

type Failed = Extract<DestinationOutcome, { readonly kind: 'failed' }>;

/** The one private model that trained versions are pushed to. */
export interface Destination {
  /**
   * Makes sure that the model is there and private, and gives its `owner/name`. It is made when it is
   * missing; callers at the same moment share one look. A public one is never given: people's faces
   * would be for all to see.
   */
  ensure(signal: AbortSignal): Promise<DestinationOutcome>;
  /** Look again next time: what was believed of the model turned out wrong. */
  forget(): void;
}

export interface DestinationDeps {
  readonly callApi: CallApi;
  /** `owner/name`; `morphogram-avatars` of the token's account when unset. */
  readonly destination?: string | undefined;
  readonly log: { warn(fields: object, message: string): void } | undefined;
}

const DEFAULT_NAME = 'morphogram-avatars';
const PREFERRED_HARDWARE = 'gpu-l40s';

/** How long a look is trusted: the operator may publish the model meanwhile. */
const TRUSTED_MS = 10 * 60_000;

const accountSchema = z.object({ username: z.string().min(1) });
const hardwareSchema = z.array(z.object({ sku: z.string() }));
const modelSchema = z.object({ visibility: z.string() });

/** @throws RangeError when the configured destination is no `owner/name`. */
export function createDestination(deps: DestinationDeps): Destination {
  const { callApi, log } = deps;
  const configured = deps.destination === undefined ? undefined : parseModelId(deps.destination);
  if (deps.destination !== undefined && (!configured || configured.version)) {
    throw new RangeError(`"${deps.destination}" is no owner/name`);
  }
  let known: { outcome: Promise<DestinationOutcome>; until: number } | undefined;

  // No caller's signal: others may wait for the same look. Each call has its own time limit.
  const call = (asked: ApiCall) => callApi(asked, new AbortController().signal);

  async function look(): Promise<DestinationOutcome> {
    const model = configured ?? (await nameOfAccount());
    if ('kind' in model) return model;
    const found = await call({ route: modelRoute(model) });
    if (found.kind === 'answered') return judge(model, found);
    if (found.kind !== 'refused' || found.status !== 404) return failed(found, 'look at the model');

    const hardware = await chooseHardware();
    if (typeof hardware !== 'string') return hardware;
    const { owner, name } = model;
    const data = { owner, name, visibility: 'private', hardware };
    const made = await call({ route: '/models', method: 'POST', data });
    if (made.kind === 'answered') return judge(model, made);
    // Somebody else may have made it at the same moment, or the answer was lost.
    const again = await call({ route: modelRoute(model) });
    return again.kind === 'answered' ? judge(model, again) : failed(made, 'making of the model');
  }

  async function nameOfAccount(): Promise<ModelId | Failed> {
    const answer = await call({ route: '/account' });
    const account =
      answer.kind === 'answered' ? accountSchema.safeParse(answer.body).data : undefined;
    const model = account && parseModelId(`${account.username}/${DEFAULT_NAME}`);
    return model ?? failed(answer, 'look at the account');
  }

  async function chooseHardware(): Promise<string | Failed> {
    const answer = await call({ route: '/hardware' });
    const listed =
      answer.kind === 'answered' ? hardwareSchema.safeParse(answer.body).data : undefined;
    const skus = listed?.map(({ sku }) => sku) ?? [];
    const chosen = skus.includes(PREFERRED_HARDWARE)
      ? PREFERRED_HARDWARE
      : skus.find((sku) => sku.startsWith('gpu-'));
    return chosen ?? failed(answer, 'choice of hardware');
  }

  function judge({ owner, name }: ModelId, answer: ApiAnswer): DestinationOutcome {
    const model = `${owner}/${name}`;
    const shown = answer.kind === 'answered' ? modelSchema.safeParse(answer.body).data : undefined;
    if (shown?.visibility === 'private') return { kind: 'ready', model };
    if (!shown) return failed(answer, 'look at the model');
    log?.warn(
      { model, visibility: shown.visibility },
      'Replicate: the model for avatars is not private, so no avatar is trained: make it private, or name another',
    );
    return { kind: 'failed', failure: { kind: 'unauthorized' } };
  }

  /** What is refused here is nothing that a person has sent: it waits for the operator. */
  function failed(answer: ApiAnswer, doing: string): Failed {
    const failure = failureOf(answer);
    const kind = failure.kind === 'bad_input' ? 'unauthorized' : failure.kind;
    log?.warn(
      { ...describeAnswer(answer), failure: kind },
      `Replicate: ${doing} for avatars failed`,
    );
    return { kind: 'failed', failure: { ...failure, kind } };
  }

  return {
    ensure(signal) {
      if (!known || known.until <= Date.now()) {
        const entry = { outcome: look(), until: Date.now() + TRUSTED_MS };
        known = entry;
        void entry.outcome.then(({ kind }) => {
          if (kind === 'failed' && known === entry) known = undefined;
        });
      }
      const aborted = { kind: 'failed', failure: { kind: 'network' } } as const;
      return unlessAborted<DestinationOutcome>(known.outcome, aborted, signal);
    },
    forget() {
      known = undefined;
    },
  };
}
