import type { Attempt, PreparedRequest } from '../provider.ts';
import type { ApiCall } from './call-api.ts';
import { modelRoute, parseModelId } from './model-id.ts';
import { webhookUrl } from './webhook-url.ts';

/**
 * The call that buys a prediction. Official models have a route of their own; any other is named by its
 * version.
 * @throws RangeError when the request names no model.
 */
export function predictionCall(
  { attemptId, request, deadlineMs }: Attempt,
  publicUrl: string | undefined,
): ApiCall {
  const id = requireModelId(request);
  const { model, input } = request;
  const data = { input, ...webhookOf(request, attemptId, publicUrl) };
  const headers = { 'Cancel-After': cancelAfter(deadlineMs) };
  return id.version
    ? { route: '/predictions', method: 'POST', data: { version: model, ...data }, headers }
    : { route: `${modelRoute(id)}/predictions`, method: 'POST', data, headers };
}

/**
 * The call that buys a training. There is no deadline to give it: the API takes one for predictions alone.
 * @param destination `owner/name` of the private model that gets the new version.
 * @throws RangeError when the request names no version of a trainer.
 */
export function trainingCall(
  { attemptId, request }: Attempt,
  publicUrl: string | undefined,
  destination: string,
): ApiCall {
  const id = requireModelId(request);
  if (!id.version) throw new RangeError(`"${request.model}" names no version to train with`);
  const { input } = request;
  return {
    route: `${modelRoute(id)}/trainings`,
    method: 'POST',
    data: { destination, input, ...webhookOf(request, attemptId, publicUrl) },
  };
}

function requireModelId({ model }: PreparedRequest) {
  const id = parseModelId(model);
  if (!id) throw new RangeError(`"${model}" is no owner/name or owner/name:version`);
  return id;
}

function webhookOf({ kind }: PreparedRequest, attemptId: string, publicUrl: string | undefined) {
  if (!publicUrl) return {};
  return {
    webhook: webhookUrl(publicUrl, attemptId, kind),
    webhook_events_filter: ['completed'],
  };
}

/**
 * A whole minute or more above our own deadline: we stop a prediction ourselves, this stops the one
 * that we lost sight of.
 * @see https://replicate.com/changelog/2025-10-16-prediction-deadlines
 */
function cancelAfter(deadlineMs: number): string {
  return `${Math.ceil(deadlineMs / 60_000) + 1}m`;
}
