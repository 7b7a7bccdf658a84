import type { MiddlewareHandler } from 'hono';

const localHosts = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses what does not come from the page itself. The sandbox listens on loopback, but any site open
 * in the same browser can send requests there, or point a name of its own at 127.0.0.1.
 */
export function createGuard(): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header('host') ?? '';
    const origin = context.req.header('origin');
    const site = context.req.header('sec-fetch-site');
    const isForeign =
      !localHosts.includes(host.replace(/:\d+$/, '')) ||
      (origin !== undefined && origin !== `http://${host}`) ||
      // A link on another site may lead to the page, and to nothing else.
      (site !== undefined && site === 'cross-site' && context.req.path !== '/');
    if (isForeign) return context.text('This page is for this machine only.', 403);
    await next();
    context.header('x-content-type-options', 'nosniff');
    context.header('cross-origin-resource-policy', 'same-origin');
    context.header('referrer-policy', 'no-referrer');
    context.header(
      'content-security-policy',
      "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'",
    );
    return undefined;
  };
}
