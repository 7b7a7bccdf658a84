import { BlockList, isIP } from 'node:net';

const privateNetworks = new BlockList();
// IANA special-purpose ranges: https://www.iana.org/assignments/iana-ipv4-special-registry
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv6');
}

/**
 * The URL of an output when it may be fetched from `baseUrl`'s provider, else undefined.
 * A provider on this machine may point anywhere over http(s). One in the network must use https and
 * a public host: the certificate then keeps a public name from leading to a service of our network.
 */
export function checkOutputUrl(output: string, baseUrl: string): URL | undefined {
  const url = URL.parse(output);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return undefined;
  if (isLoopback(new URL(baseUrl).hostname)) return url;
  return url.protocol === 'https:' && !isPrivateHost(url.hostname) ? url : undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const family = isIP(host);
  if (family) return privateNetworks.check(host, family === 4 ? 'ipv4' : 'ipv6');
  return !host.includes('.') || /\.(?:localhost|local|internal|lan|home\.arpa)$/.test(host);
}
