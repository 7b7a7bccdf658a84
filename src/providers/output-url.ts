import { BlockList, isIP } from 'node:net';

/** IANA's special-purpose ranges: https://www.iana.org/assignments/iana-ipv4-special-registry */
const PRIVATE_NETWORKS = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
] as const;

/**
 * The URL of an output when it may be fetched from `baseUrl`'s provider, else undefined.
 * A provider of our own network, or without https, is a stand-in and may point anywhere over http(s).
 * One in the open must use https and a public host, as its own is: the certificate then keeps a public
 * name from leading to a service of our network.
 */
export function checkOutputUrl(output: string, baseUrl: string): URL | undefined {
  const url = URL.parse(output);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return undefined;
  const base = new URL(baseUrl);
  if (base.protocol !== 'https:' || isPrivateHost(base.hostname)) return url;
  return url.protocol === 'https:' && !isPrivateHost(url.hostname) ? url : undefined;
}

function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const family = isIP(host);
  if (family) {
    const networks = new BlockList();
    for (const [network, prefix, type] of PRIVATE_NETWORKS) {
      networks.addSubnet(network, prefix, type);
    }
    return networks.check(host, family === 4 ? 'ipv4' : 'ipv6');
  }
  return !host.includes('.') || /\.(?:localhost|local|internal|lan|home\.arpa)$/.test(host);
}
