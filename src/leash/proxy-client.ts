import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { DeniedAddress, Proxies } from './sandbox-proxies.ts';
import { SYSTEM_PATH } from './system-program.ts';

/** The proxies of a list of domains, in a process of their own. */
export interface ProxyProcess {
  readonly alive: boolean;
  proxies: Proxies;
  close(): Promise<void>;
}

export interface StartProxyOptions {
  log: Log;
  /** Where it keeps its sockets: a folder that is hidden from every sandbox but for them. */
  temporary?: string;
  /** A connection was refused: by its name, or by the address that leads to. */
  onDenied?: (denied: DeniedAddress) => void;
  /** `HTTPS_PROXY` and its like, where this machine's own way out is through a proxy: it resolves the names then. */
  outer?: Readonly<Record<string, string>>;
  entry?: string;
}

/** Throws `sandbox_unavailable` where they cannot be started. */
export async function startProxyProcess(
  domains: readonly string[],
  { log, temporary, onDenied = () => {}, outer = {}, entry = ENTRY }: StartProxyOptions,
): Promise<ProxyProcess> {
  const child = fork(entry, [JSON.stringify(domains)], {
    detached: true,
    env: { ...outer, PATH: SYSTEM_PATH, ...(temporary !== undefined && { TMPDIR: temporary }) },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  child.unref();
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (text: string) => log.warn({ text }, 'the sandbox’s proxies said something'));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const proxies = await new Promise<Proxies>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { proxies: Proxies }).proxies));
    const failed = () =>
      reject(
        new RunmeshError(
          'sandbox_unavailable',
          'The way to the allowed domains could not be opened, so nothing was run. On Linux it needs socat (`apt install socat`).',
        ),
      );
    child.once('error', failed);
    child.once('exit', failed);
  });
  child.on('message', (message) => {
    const { denied } = message as { denied?: DeniedAddress };
    if (denied !== undefined) onDenied(denied);
  });
  return {
    get alive() {
      return child.connected;
    },
    proxies,
    close: async () => {
      if (child.connected) child.disconnect();
      child.ref();
      await gone;
    },
  };
}

const ENTRY = fileURLToPath(new URL('../../dist/leash/proxy-main.js', import.meta.url));
