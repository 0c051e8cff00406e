import { BlockList, isIP } from 'node:net';

/** Through which proxies this device leaves; each an `http:` or `https:` address. */
export interface ProxySettings {
  /** For `https:` and `wss:`. */
  secure?: string | undefined;
  /** For `http:` and `ws:`. */
  plain?: string | undefined;
  /** Whom to reach without one, in the form of `NO_PROXY`. */
  except: string;
}

/**
 * The proxy for an address, or `undefined` for a direct way. `NO_PROXY` as curl and Go read it: names with all below
 * them (a leading dot changes nothing), addresses, CIDR ranges, an optional port, `*` for everybody. Loopback never goes
 * through a proxy: what listens there is this machine's own.
 */
export function proxyFor(address: URL, { secure, plain, except }: ProxySettings): string | undefined {
  const isSecure = address.protocol === 'https:' || address.protocol === 'wss:';
  const proxy = isSecure ? secure : plain;
  if (proxy === undefined) return undefined;
  const host = address.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isLoopback(host)) return undefined;
  const port = address.port || (isSecure ? '443' : '80');
  const excepted = except.split(/[\s,]+/).some((rule) => rule !== '' && fits(rule.toLowerCase(), host, port));
  return excepted ? undefined : proxy;
}

function fits(rule: string, host: string, port: string): boolean {
  if (rule === '*') return true;
  if (rule.includes('/')) return isInRange(rule, host);
  const [, name = rule, rulePort] = /^(.*?)(?::(\d+))?$/.exec(isIP(rule) === 6 ? '' : rule) ?? [];
  if (rulePort !== undefined && rulePort !== port) return false;
  const bare = (name === '' ? rule : name).replace(/^\*?\./, '').replace(/^\[|\]$/g, '');
  return host === bare || host.endsWith(`.${bare}`);
}

function isInRange(rule: string, host: string): boolean {
  const family = familyOf(host);
  const [network = '', bits] = rule.split('/');
  if (family === undefined || familyOf(network) !== family) return false;
  const most = family === 'ipv4' ? 32 : 128;
  const prefix = Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > most) return false;
  const range = new BlockList();
  range.addSubnet(network, prefix, family);
  return range.check(host, family);
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || isInRange('127.0.0.0/8', host)
  );
}

function familyOf(host: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(host);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}
