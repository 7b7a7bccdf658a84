import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { type ApiAnswer, describeAnswer, failureOf, failureOfPurchase } from '../api-answer.ts';
import { DOWNLOAD_LIMITS, type DownloadLimits, downloadOutput } from '../download.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { Provider } from '../provider.ts';
import { createCallBfl } from './call-bfl.ts';
import { digestOf, nameImages, replaceImages } from './input-images.ts';
import { checkPollingUrl, resultUrl } from './polling-url.ts';
import { readTask } from './task.ts';

export interface BflDeps {
  readonly key: string;
  /** `https://api.bfl.ai`, or a stand-in on this machine. */
  readonly baseUrl: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly log?: { warn(fields: object, message: string): void };
  readonly limits?: Partial<BflLimits>;
}

export interface BflLimits extends DownloadLimits {
  /** One request to the API, answer included, in milliseconds; 60 s by default: pictures travel in it. */
  readonly callMs: number;
}

const DEFAULT_LIMITS: BflLimits = { callMs: 60_000, ...DOWNLOAD_LIMITS };

/** An id longer than this could not be kept within a URL. */
const createdSchema = z.object({
  id: z.string().min(1).max(100),
  polling_url: z.string().nullish(),
});

/**
 * Paints at BFL, models named `bfl/…`. An external id is the URL that a task is asked for at. Pictures
 * are sent within the request: what is prepared names their files, which must still be there when it is
 * bought. Nothing can be looked for or cancelled there; an output must be downloaded within ten minutes.
 * @see https://docs.bfl.ai
 * @throws RangeError when the key could not be sent as a header.
 */
export function createBflProvider(deps: BflDeps): Provider {
  // Undici would quote a key with a line break in its error.
  if (!/^[\x21-\x7e]+$/.test(deps.key)) throw new RangeError('The BFL key is malformed');
  const { key, baseUrl, log, fetch = globalThis.fetch } = deps;
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const callBfl = createCallBfl({ key, fetch, timeoutMs: limits.callMs });
  const badInput = { kind: 'failed', failure: { kind: 'bad_input' } } as const;

  function report(answer: ApiAnswer, about: object, doing: string): Failure {
    const failure = failureOf(answer);
    log?.warn(
      { ...about, ...describeAnswer(answer), failure: failure.kind },
      `BFL: ${doing} failed`,
    );
    return failure;
  }

  function urlOfTask({ id, polling_url }: z.infer<typeof createdSchema>): URL {
    const given = checkPollingUrl(polling_url ?? '', baseUrl);
    if (!given) log?.warn({ id }, 'BFL: the polling URL of a task is not of BFL, and is not used');
    return given ?? resultUrl(id, baseUrl);
  }

  return {
    name: 'bfl',

    async prepare(request) {
      const { kind, model } = request;
      const images = nameImages(request);
      if (kind !== 'prediction' || !routeOf(model) || !images) return badInput;
      const input = { ...request.input, ...images };
      // Over the contents: the same picture under another name is the same request.
      const contents = await replaceImages(input, digestOf);
      if (!contents) return badInput;
      const fingerprint = fingerprintOf(model, contents);
      return { kind: 'prepared', request: { kind, model, input, fingerprint } };
    },

    async create({ attemptId, request }, signal) {
      const route = routeOf(request.model);
      const data = await replaceImages(request.input, (bytes) => bytes.toString('base64'));
      if (!route || !data) return badInput;
      const answer = await callBfl(new URL(route, baseUrl), data, signal);
      const created =
        answer.kind === 'answered' ? createdSchema.safeParse(answer.body).data : undefined;
      if (created) return { kind: 'created', externalId: urlOfTask(created).href };
      report(answer, { attemptId, model: request.model }, 'create');
      return { kind: 'failed', failure: failureOfPurchase(answer) };
    },

    async find() {
      return badInput;
    },

    async check(externalId, signal) {
      const url = checkPollingUrl(externalId, baseUrl);
      // Bought from another server than the one that is configured now.
      if (!url) return { kind: 'unknown' };
      const answer = await callBfl(url, undefined, signal);
      const status = answer.kind === 'answered' ? readTask(answer.body) : undefined;
      if (status === 'unknown') return { kind: 'unknown' };
      if (!status) {
        const failure = report(answer, { externalId }, 'check');
        return failure.kind === 'bad_input'
          ? { kind: 'unknown' }
          : { kind: 'unreachable', failure };
      }
      if (status.kind === 'failed') {
        log?.warn({ externalId, failure: status.failure.kind }, 'BFL: a task failed');
      }
      return { kind: 'seen', status };
    },

    async cancel() {
      return { kind: 'stopped' };
    },

    download(output, path, signal) {
      return downloadOutput({ baseUrl, apiHeaders: {}, fetch, limits }, output, path, signal);
    },
  };
}

/** The API's route of a model; undefined for what is none of BFL's. */
function routeOf(model: string): string | undefined {
  const [, name] = /^bfl\/(\w[\w.-]*)$/.exec(model) ?? [];
  return name && `/v1/${name}`;
}
