import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { type ApiAnswer, describeAnswer, failureOf, failureOfPurchase } from '../api-answer.ts';
import { DOWNLOAD_LIMITS, type DownloadLimits, downloadOutput } from '../download.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { Fields, PredictionRequest, Provider } from '../provider.ts';
import { type ApiCall, createCallApi } from './call-api.ts';
import { createDestination } from './destination.ts';
import { routeOf, toExternalId } from './external-id.ts';
import { findPrediction } from './find-prediction.ts';
import { readInputFields } from './live-schema.ts';
import { modelRoute, parseModelId } from './model-id.ts';
import { codeOf, predictionSchema, statusOf } from './prediction.ts';
import { predictionCall, trainingCall } from './purchase.ts';
import { createUploads } from './uploads.ts';

export interface ReplicateDeps {
  readonly token: string;
  /** `https://api.replicate.com/v1`, or a stand-in on this machine. */
  readonly baseUrl: string;
  /** Where Replicate reaches us, over https; without it there are no webhooks. */
  readonly publicUrl?: string;
  /** The private model that trainings push to, `owner/name`; `morphogram-avatars` of the account when unset. */
  readonly destination?: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly log?: { warn(fields: object, message: string): void };
  readonly limits?: Partial<ReplicateLimits>;
}

export interface ReplicateLimits extends DownloadLimits {
  /** One request to the API, answer included, in milliseconds; 30 s by default, and more for a large upload. */
  readonly callMs: number;
}

export type WebhookSecretOutcome =
  | { readonly kind: 'fetched'; readonly secret: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface ReplicateProvider extends Provider {
  /** The key that this account's webhooks are signed with, for `createWebhookVerifier`. */
  fetchWebhookSecret(signal: AbortSignal): Promise<WebhookSecretOutcome>;
}

const DEFAULT_LIMITS: ReplicateLimits = { callMs: 30_000, ...DOWNLOAD_LIMITS };

/** An id longer than this could not be kept. */
const createdSchema = z.object({ id: z.string().min(1).max(200) });
const secretSchema = z.object({ key: z.string().min(1) });

/** Answers to a cancel that mean there is nothing left to stop. */
const NOTHING_TO_STOP: ReadonlySet<number> = new Set([404, 409, 410, 422]);

/** Answers to a deletion that mean there is nothing left to delete. */
const NOTHING_TO_DELETE: ReadonlySet<number> = new Set([404, 410]);

/**
 * Renders and trains at Replicate. Beyond the interface: `find` trusts the attempt id in a webhook URL
 * before equal input, and fails with `bad_input` where there is no listing at all; a prediction that
 * Replicate stopped at our deadline is a failure of kind `timeout`. A training gives `{ version, weights }`;
 * it is prepared and bought only while the model it is pushed to is private, and fails with `unauthorized`
 * otherwise.
 * @throws RangeError when the token could not be sent as a header, or `destination` is no `owner/name`.
 */
export function createReplicateProvider(deps: ReplicateDeps): ReplicateProvider {
  // Undici would quote a token with a line break in its error.
  if (!/^[\x21-\x7e]+$/.test(deps.token)) throw new RangeError('The Replicate token is malformed');
  const { token, baseUrl, publicUrl, log, fetch = globalThis.fetch } = deps;
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const callApi = createCallApi({ token, baseUrl, fetch, timeoutMs: limits.callMs });
  const uploads = createUploads({ callApi });
  const destination = createDestination({ callApi, destination: deps.destination, log });

  function report(answer: ApiAnswer, about: object, doing: string): Failure {
    const failure = failureOf(answer);
    log?.warn(
      { ...about, ...describeAnswer(answer), failure: failure.kind },
      `Replicate: ${doing} failed`,
    );
    return failure;
  }

  /** The request's fields with a URL in place of each file. */
  async function reachableInput({ input, files }: PredictionRequest, signal: AbortSignal) {
    const fields: Record<string, Fields[string]> = { ...input };
    const paths = Object.values(files).flat();
    const uploaded = new Map<string, string>();
    const outcomes = await Promise.all(
      paths.map(async (path) => ({ path, outcome: await uploads.upload(path, signal) })),
    );
    for (const { path, outcome } of outcomes) {
      if (outcome.kind === 'failed') return outcome;
      uploaded.set(path, outcome.url);
    }
    const urlOf = (path: string) => uploaded.get(path) ?? '';
    for (const [field, value] of Object.entries(files)) {
      fields[field] = typeof value === 'string' ? urlOf(value) : value.map(urlOf);
    }
    return { kind: 'reachable', fields } as const;
  }

  return {
    name: 'replicate',

    async prepare(request, signal) {
      const { kind, model } = request;
      if (kind === 'training') {
        const ensured = await destination.ensure(signal);
        if (ensured.kind === 'failed') return ensured;
      }
      const input = await reachableInput(request, signal);
      if (input.kind === 'failed') return input;
      const fingerprint = fingerprintOf(model, input.fields);
      return { kind: 'prepared', request: { kind, model, input: input.fields, fingerprint } };
    },

    async create(attempt, signal) {
      const { kind, model } = attempt.request;
      let call: ApiCall;
      if (kind === 'training') {
        const ensured = await destination.ensure(signal);
        if (ensured.kind === 'failed') return ensured;
        call = trainingCall(attempt, publicUrl, ensured.model);
      } else {
        call = predictionCall(attempt, publicUrl);
      }
      const answer = await callApi(call, signal);
      const created =
        answer.kind === 'answered' ? createdSchema.safeParse(answer.body).data : undefined;
      if (created) return { kind: 'created', externalId: toExternalId(kind, created.id) };
      if (kind === 'training') destination.forget();
      report(answer, { attemptId: attempt.attemptId, model }, 'create');
      return { kind: 'failed', failure: failureOfPurchase(answer) };
    },

    find(attempt, signal) {
      return findPrediction({ callApi, baseUrl }, attempt, signal);
    },

    async check(externalId, signal) {
      const answer = await callApi({ route: routeOf(externalId) }, signal);
      const prediction =
        answer.kind === 'answered' ? predictionSchema.safeParse(answer.body).data : undefined;
      if (!prediction) {
        const failure = report(answer, { externalId }, 'check');
        return failure.kind === 'bad_input'
          ? { kind: 'unknown' }
          : { kind: 'unreachable', failure };
      }
      const status = statusOf(prediction);
      if (status.kind === 'failed') {
        log?.warn(
          { externalId, code: codeOf(prediction), failure: status.failure.kind },
          `Replicate: prediction ${prediction.status}`,
        );
      }
      return { kind: 'seen', status };
    },

    async cancel(externalId, signal) {
      const answer = await callApi(
        { route: `${routeOf(externalId)}/cancel`, method: 'POST' },
        signal,
      );
      if (answer.kind === 'answered') return { kind: 'stopped' };
      return answer.kind === 'refused' && NOTHING_TO_STOP.has(answer.status)
        ? { kind: 'stopped' }
        : { kind: 'unreachable', failure: report(answer, { externalId }, 'cancel') };
    },

    download(output, path, signal) {
      const apiHeaders = { authorization: `Bearer ${token}` };
      return downloadOutput({ baseUrl, apiHeaders, fetch, limits }, output, path, signal);
    },

    readInputFields: (model, signal) => readInputFields(callApi, model, signal),

    async deleteVersion(version, signal) {
      const id = parseModelId(version);
      if (!id?.version) return { kind: 'unreachable', failure: { kind: 'bad_input' } };
      const answer = await callApi({ route: modelRoute(id), method: 'DELETE' }, signal);
      if (answer.kind === 'answered') return { kind: 'deleted' };
      return answer.kind === 'refused' && NOTHING_TO_DELETE.has(answer.status)
        ? { kind: 'deleted' }
        : { kind: 'unreachable', failure: report(answer, { version }, 'deletion of a version') };
    },

    async fetchWebhookSecret(signal) {
      const answer = await callApi({ route: '/webhooks/default/secret' }, signal);
      const secret =
        answer.kind === 'answered' ? secretSchema.safeParse(answer.body).data : undefined;
      return secret
        ? { kind: 'fetched', secret: secret.key }
        : { kind: 'failed', failure: report(answer, {}, 'fetch of the webhook secret') };
    },
  };
}
