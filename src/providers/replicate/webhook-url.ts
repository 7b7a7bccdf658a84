import type { PredictionKind } from '../provider.ts';

const ATTEMPT_PARAMETER = 'attempt';
const KIND_PARAMETER = 'kind';

/** The webhook of an attempt: its id, and that it is a training, travel with the prediction, and back. */
export function webhookUrl(publicUrl: string, attemptId: string, kind: PredictionKind): string {
  const url = new URL(`${publicUrl.replace(/\/+$/, '')}/replicate/webhook`);
  url.searchParams.set(ATTEMPT_PARAMETER, attemptId);
  if (kind === 'training') url.searchParams.set(KIND_PARAMETER, kind);
  return url.href;
}

/** The attempt id in a webhook of ours. */
export function attemptIn(webhook: string | null | undefined): string | undefined {
  return parameterOf(webhook, ATTEMPT_PARAMETER);
}

/** The kind in a webhook of ours; a prediction's has none. */
export function kindIn(webhook: string | null | undefined): string | undefined {
  return parameterOf(webhook, KIND_PARAMETER);
}

function parameterOf(webhook: string | null | undefined, name: string): string | undefined {
  return URL.parse(webhook ?? '')?.searchParams.get(name) ?? undefined;
}
