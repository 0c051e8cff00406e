import { access } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { type Clock, isoTime } from '../../kit/clock.ts';
import { codeOf, messageOf, RunmeshError } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import type { Random } from '../../kit/random.ts';
import type { PageAsked } from '../contract.ts';
import type { ControlPorts } from '../ports.ts';
import { PageKeys, TOKEN_MS } from './keys.ts';
import { removeOpener, writeOpener } from './opener.ts';
import { createPageApp } from './page-app.ts';

/** What the page needs of the world. */
export interface PageSurroundings {
  clock: Clock;
  random: Random;
  /** The folder of the page's own files. */
  files: string;
  /** Where to write what sends a browser to the page; in a folder that only its owner enters. */
  opener: string;
}

export interface Page {
  /** Opens the page where it is not, and answers an address that opens it once. */
  ask(): Promise<PageAsked>;
  close(): Promise<void>;
}

export interface PageOptions extends PageSurroundings {
  ports: ControlPorts;
  log: Log;
}

interface Listening {
  port: number;
  keys: PageKeys;
  /** Nobody had it open for a while, or the daemon stops. */
  closed(): boolean;
  close(): Promise<void>;
}

/**
 * The owner's page: the same ports as the socket's, over HTTP on a port of 127.0.0.1 that is open only from when it is asked for
 * until nobody has had it open for a while.
 */
export function createPage(options: PageOptions): Page {
  let listening: Promise<Listening> | undefined;
  let closed = false;
  const forget = () => {
    listening = undefined;
  };
  const ask = async (): Promise<PageAsked> => {
    if (closed) throw new RunmeshError('unavailable', 'The daemon is stopping.');
    listening ??= listen(options, forget).catch((error) => {
      forget();
      throw error;
    });
    const open = await listening;
    // It may have been closed while this waited.
    if (open.closed()) return ask();
    const url = `http://${authorityOf(open.port)}/#${open.keys.issueToken()}`;
    writeOpener(options.opener, url);
    return { url, file: options.opener, expiresAt: isoTime(options.clock.now() + TOKEN_MS) };
  };
  return {
    ask,
    close: async () => {
      closed = true;
      await (await listening?.catch(() => undefined))?.close();
    },
  };
}

async function listen(options: PageOptions, onClosed: () => void): Promise<Listening> {
  const { clock, log, opener } = options;
  await requireFiles(options.files);
  const keys = new PageKeys(options);
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 });
  server.maxConnections = MOST_CONNECTIONS;
  const port = await listenOnLoopback(server);
  const authority = () => authorityOf(port);
  const onOpened = () => {
    if (!keys.waiting) removeOpener(opener);
  };
  const app = createPageApp({ ...options, keys, authority, onOpened });
  server.on('request', getRequestListener(app.fetch, { overrideGlobalObjects: false }) as RequestListener);
  log.info({ port }, 'the page is open');
  const over = new AbortController();
  const close = (): Promise<void> => {
    if (!over.signal.aborted) onClosed();
    over.abort();
    removeOpener(opener);
    return new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  closeWhenIdle().catch((error) => log.error({ reason: messageOf(error) }, 'the page is not watched'));
  return { port, keys, closed: () => over.signal.aborted, close };

  async function closeWhenIdle(): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_MS, over.signal);
      if (over.signal.aborted) return;
      if (!keys.waiting) removeOpener(opener);
      if (!keys.idle) continue;
      log.info({ port }, 'the page is closed: nobody has it open');
      await close();
    }
  }
}

/** They are made by the build and lie in the package. */
async function requireFiles(folder: string): Promise<void> {
  await access(join(folder, 'page.js')).catch((error) => {
    throw new RunmeshError(
      'page_missing',
      `The page’s files are not in ${folder}. Install this program again; from its source, run \`npm run build\`.`,
      { cause: error },
    );
  });
}

function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `No port of 127.0.0.1 can be opened for the page: ${error.message}.`;
      reject(new RunmeshError(codeOf(error), message, { cause: error }));
    });
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** By the number and not by `localhost`, which may lead elsewhere. */
function authorityOf(port: number): string {
  return `127.0.0.1:${port}`;
}

const MOST_CONNECTIONS = 64;
const LOOK_MS = 10_000;
