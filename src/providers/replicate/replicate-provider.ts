import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import type { PreparedRequest, Provider } from '../provider.ts';
import {
  type ApiAnswer,
  type ApiCall,
  createCallApi,
  failureOf,
  mayHaveBeenAccepted,
} from './call-api.ts';
import { downloadOutput } from './download.ts';
import { findPrediction, webhookUrl } from './find-prediction.ts';
import { detailOf, predictionSchema, statusOf } from './prediction.ts';
import { createUploads } from './uploads.ts';

export interface ReplicateDeps {
  readonly token: string;
  /** `https://api.replicate.com/v1`, or a stand-in on this machine. */
  readonly baseUrl: string;
  /** Where Replicate reaches us, over https; without it there are no webhooks. */
  readonly publicUrl?: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly log?: { warn(fields: object, message: string): void };
  readonly limits?: Partial<ReplicateLimits>;
}

export interface ReplicateLimits {
  /** One request to the API, answer included, in milliseconds; 30 s by default. */
  readonly callMs: number;
  /** How long nothing may arrive of a download, in milliseconds; 30 s by default. */
  readonly downloadIdleMs: number;
  /** A download as a whole, in milliseconds; 15 minutes by default. */
  readonly downloadMs: number;
  /** A download as a whole; 500 MB by default, far above any clip of the catalogue. */
  readonly downloadBytes: number;
}

export type WebhookSecretOutcome =
  | { readonly kind: 'fetched'; readonly secret: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface ReplicateProvider extends Provider {
  /** The key that this account's webhooks are signed with, for `createWebhookVerifier`. */
  fetchWebhookSecret(signal: AbortSignal): Promise<WebhookSecretOutcome>;
}

const DEFAULT_LIMITS: ReplicateLimits = {
  callMs: 30_000,
  downloadIdleMs: 30_000,
  downloadMs: 15 * 60_000,
  downloadBytes: 500 * 1024 * 1024,
};

const createdSchema = z.object({ id: z.string().min(1) });
const secretSchema = z.object({ key: z.string().min(1) });

/** Answers to a cancel that mean there is nothing left to stop. */
const NOTHING_TO_STOP: ReadonlySet<number> = new Set([404, 409, 410, 422]);

/**
 * Renders at Replicate. Beyond the interface: `find` trusts the attempt id in a webhook URL before
 * equal input, and fails with `bad_input` where there is no listing at all; a prediction that Replicate
 * stopped at our deadline is a failure of kind `timeout`; one whose id it does not know is `unreachable`.
 * @throws RangeError when the token could not be sent as a header.
 */
export function createReplicateProvider(deps: ReplicateDeps): ReplicateProvider {
  // Undici would quote a token with a line break in its error.
  if (!/^[\x21-\x7e]+$/.test(deps.token)) throw new RangeError('The Replicate token is malformed');
  const { token, baseUrl, publicUrl, log, fetch = globalThis.fetch } = deps;
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const callApi = createCallApi({ token, baseUrl, fetch, timeoutMs: limits.callMs });
  const uploads = createUploads({ callApi });

  function report(answer: ApiAnswer, about: object, doing: string): Failure {
    const failure = failureOf(answer);
    const details =
      answer.kind === 'refused' ? { status: answer.status, detail: answer.detail } : {};
    log?.warn({ ...about, ...details, failure: failure.kind }, `Replicate: ${doing} failed`);
    return failure;
  }

  return {
    name: 'replicate',

    async prepare(request, signal) {
      const uploaded = await Promise.all(
        Object.entries(request.files).map(
          async ([field, path]) => [field, await uploads.upload(path, signal)] as const,
        ),
      );
      const input: Record<string, string | number | boolean> = { ...request.input };
      for (const [field, outcome] of uploaded) {
        if (outcome.kind === 'failed') return outcome;
        input[field] = outcome.url;
      }
      const { model } = request;
      return {
        kind: 'prepared',
        request: { model, input, fingerprint: fingerprintOf(model, input) },
      };
    },

    async create({ attemptId, request, deadlineMs }, signal) {
      const webhook = publicUrl && {
        webhook: webhookUrl(publicUrl, attemptId),
        webhook_events_filter: ['completed'],
      };
      const answer = await callApi(
        {
          ...modelCall(request, webhook || {}),
          method: 'POST',
          headers: { 'Cancel-After': cancelAfter(deadlineMs) },
        },
        signal,
      );
      const created =
        answer.kind === 'answered' ? createdSchema.safeParse(answer.body).data : undefined;
      if (created) return { kind: 'created', externalId: created.id };
      const failure = report(answer, { attemptId, model: request.model }, 'create');
      return {
        kind: 'failed',
        failure: mayHaveBeenAccepted(answer) ? { ...failure, ambiguous: true } : failure,
      };
    },

    find(attempt, signal) {
      return findPrediction({ callApi, baseUrl }, attempt, signal);
    },

    async check(externalId, signal) {
      const answer = await callApi({ route: predictionRoute(externalId) }, signal);
      const prediction =
        answer.kind === 'answered' ? predictionSchema.safeParse(answer.body).data : undefined;
      if (!prediction) {
        const failure = report(answer, { externalId }, 'check');
        // A server that has not caught up with itself yet does not know a new prediction: to take it
        // for lost would buy it again.
        const refused = failure.kind === 'bad_input';
        return { kind: 'unreachable', failure: refused ? { kind: 'provider_error' } : failure };
      }
      const status = statusOf(prediction);
      if (status.kind === 'failed') {
        log?.warn(
          { externalId, detail: detailOf(prediction), failure: status.failure.kind },
          `Replicate: prediction ${prediction.status}`,
        );
      }
      return { kind: 'seen', status };
    },

    async cancel(externalId, signal) {
      const answer = await callApi(
        { route: `${predictionRoute(externalId)}/cancel`, method: 'POST' },
        signal,
      );
      if (answer.kind === 'answered') return { kind: 'stopped' };
      return answer.kind === 'refused' && NOTHING_TO_STOP.has(answer.status)
        ? { kind: 'stopped' }
        : { kind: 'unreachable', failure: report(answer, { externalId }, 'cancel') };
    },

    download(output, path, signal) {
      return downloadOutput({ token, baseUrl, fetch, limits }, output, path, signal);
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

/** Official models have a route of their own; any other is named by its version. */
function modelCall(request: PreparedRequest, webhook: object): Pick<ApiCall, 'route' | 'data'> {
  const { model, input } = request;
  const [, owner, name, version] = /^([\w.-]+)\/([\w.-]+)(?::(\w+))?$/.exec(model) ?? [];
  if (!owner || !name) throw new RangeError(`"${model}" is no owner/name or owner/name:version`);
  return version
    ? { route: '/predictions', data: { version: model, input, ...webhook } }
    : { route: `/models/${owner}/${name}/predictions`, data: { input, ...webhook } };
}

function predictionRoute(externalId: string): string {
  return `/predictions/${encodeURIComponent(externalId)}`;
}

/**
 * A whole minute or more above our own deadline: we stop a prediction ourselves, this stops the one
 * that we lost sight of.
 * @see https://replicate.com/changelog/2025-10-16-prediction-deadlines
 */
function cancelAfter(deadlineMs: number): string {
  return `${Math.ceil(deadlineMs / 60_000) + 1}m`;
}

function fingerprintOf(model: string, input: PreparedRequest['input']): string {
  const fields = Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([model, fields]))
    .digest('hex');
}
