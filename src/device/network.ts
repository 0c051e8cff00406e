import { readFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { RunmeshError } from '../kit/errors.ts';
import type { DeviceConfig } from './config-schema.ts';
import type { Environment } from './paths.ts';
import { type ProxySettings, proxyFor } from './proxy-choice.ts';

/** The way out of this machine: directly, or through the proxies of a company's network, whose CA it then trusts too. */
export interface Network {
  /**
   * Follows no redirect: each call carries a key, or what a run said, and was meant for its address and no other. A
   * redirect could lead to another host, into this machine's own network, or off TLS.
   */
  fetch: typeof fetch;
  /** What a WebSocket to this address (`http:` or `https:`) needs beside it. */
  socketOptions(address: URL): { agent?: Agent; ca?: string[] };
  /** The proxy on the way to an address, without its password; `undefined` for a direct way. */
  proxyOf(address: URL): string | undefined;
}

/**
 * Config first, since a service has no shell's environment; then `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either
 * case. `network.caFile` is trusted beside the usual roots and what `NODE_EXTRA_CA_CERTS` names. The libraries are
 * loaded where one of them is set. Throws `proxy_invalid` and `ca_unreadable`.
 */
export async function openNetwork(
  { network }: Pick<DeviceConfig, 'network'>,
  env: Environment,
): Promise<Network> {
  const proxies = proxySettings(network, env);
  const ca = network.caFile === undefined ? undefined : trustedWith(network.caFile, env);
  const proxyOf = (address: URL) => hidePassword(proxyFor(address, proxies));
  if (proxies.secure === undefined && proxies.plain === undefined && ca === undefined) {
    return { fetch: withoutRedirects(globalThis.fetch), socketOptions: () => ({}), proxyOf };
  }
  const [undici, { HttpsProxyAgent }] = await Promise.all([import('undici'), import('https-proxy-agent')]);
  const tls = ca === undefined ? {} : { ca };
  const direct = new undici.Agent({ connect: tls });
  const tunnels = new Map<string, Dispatcher>();
  const wayTo = (address: URL): Dispatcher => {
    const proxy = proxyFor(address, proxies);
    if (proxy === undefined) return direct;
    const tunnel =
      tunnels.get(proxy) ?? new undici.ProxyAgent({ uri: proxy, requestTls: tls, proxyTls: tls });
    tunnels.set(proxy, tunnel);
    return tunnel;
  };
  const route: Dispatcher.DispatcherComposeInterceptor = () => (options, handler) =>
    wayTo(new URL(String(options.origin))).dispatch(options, handler);
  const dispatcher = direct.compose(route);
  return {
    fetch: withoutRedirects(((input: string | URL, init?: object) =>
      undici.fetch(input, { ...init, dispatcher })) as unknown as typeof fetch),
    socketOptions: (address) => {
      const proxy = proxyFor(address, proxies);
      return { ...tls, ...(proxy !== undefined && { agent: new HttpsProxyAgent(proxy, tls) }) };
    },
    proxyOf,
  };
}

function withoutRedirects(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => fetch(input, { ...init, redirect: 'error' });
}

function proxySettings(network: DeviceConfig['network'], env: Environment): ProxySettings {
  const { secure, plain, except } = proxiesOf(network, env);
  for (const one of [secure, plain]) {
    if (one === undefined || /^https?:$/.test(URL.parse(one)?.protocol ?? '')) continue;
    throw new RunmeshError(
      'proxy_invalid',
      `The proxy ${one} is not an http or https address, and other kinds are not spoken here. Mend HTTPS_PROXY or network.proxy.`,
    );
  }
  return { secure, plain, except: except ?? '' };
}

/** The owner's own proxies as the config has them, else the environment, where the small letters go first as curl has it. */
export function proxiesOf({ proxy, noProxy }: DeviceConfig['network'], env: Environment) {
  const read = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  return {
    secure: proxy ?? read('HTTPS_PROXY'),
    plain: proxy ?? read('HTTP_PROXY'),
    except: noProxy ?? read('NO_PROXY'),
  };
}

/** Node's own roots are no longer used once others are named, so they are named too. */
function trustedWith(caFile: string, env: Environment): string[] {
  const extra = env.NODE_EXTRA_CA_CERTS;
  return [...rootCertificates, ...(extra ? [readCertificates(extra)] : []), readCertificates(caFile)];
}

function readCertificates(file: string): string {
  let text = '';
  let cause: unknown;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    cause = error;
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new RunmeshError(
    'ca_unreadable',
    `${file} is no readable file of PEM certificates. Mend it, or unset network.caFile (or NODE_EXTRA_CA_CERTS).`,
    { cause },
  );
}

function hidePassword(proxy: string | undefined): string | undefined {
  if (proxy === undefined) return undefined;
  const { protocol, host } = new URL(proxy);
  return `${protocol}//${host}`;
}
