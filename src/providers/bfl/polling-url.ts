/** Characters of a URL that can be kept: it is the name of a task, and unique. */
const MAX_LENGTH = 1_000;

/**
 * The URL of a task, when it may be asked with our key: one of the API's own origin, or of another
 * cluster of BFL. Undefined for any other, whoever named it, and for one too long to be kept.
 * @see https://docs.bfl.ai/api_integration/integration_guidelines
 */
export function checkPollingUrl(pollingUrl: string, baseUrl: string): URL | undefined {
  const url = URL.parse(pollingUrl);
  if (!url || url.href.length > MAX_LENGTH || url.username || url.password) return undefined;
  if (url.origin === new URL(baseUrl).origin) return url;
  const isOfBfl = url.hostname === 'bfl.ai' || url.hostname.endsWith('.bfl.ai');
  return isOfBfl && url.protocol === 'https:' && url.port === '' ? url : undefined;
}

/** Where a task is asked for when its own URL cannot be used. */
export function resultUrl(id: string, baseUrl: string): URL {
  const url = new URL('/v1/get_result', baseUrl);
  url.searchParams.set('id', id);
  return url;
}
