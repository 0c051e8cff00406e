import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { lookAtSocket } from './look-at-socket.ts';
import type { Page, PageSurroundings } from './page/page.ts';
import type { ControlPorts } from './ports.ts';

export interface ControlServerOptions {
  /** In a folder that only its owner can enter. */
  socketPath: string;
  ports: ControlPorts;
  log: Log;
  /** What the page needs of the world, when somebody asks for it. */
  page: PageSurroundings;
}

/**
 * Opens the local door. Node cannot ask a Unix socket who is at its other end (it has no SO_PEERCRED or getpeereid), so
 * the folder is the check: only its owner can enter it, and so only the owner's processes reach the socket, whose own
 * mode is set a moment after it is made. A folder that is not so is refused (`socket_folder_unsafe`). A socket file that
 * nobody answers is taken away first; one that somebody answers, or a file that is no socket, is `already_running` or
 * `socket_taken`. The app and its libraries are loaded when somebody first knocks: a daemon that only runs what it is sent
 * does without them.
 */
export async function startControlServer(options: ControlServerOptions): Promise<{ close(): Promise<void> }> {
  const { socketPath } = options;
  requireOwnFolder(dirname(socketPath));
  await removeStaleSocket(socketPath);
  // Of a daemon that was killed; its token died with it.
  rmSync(options.page.opener, { force: true });
  const page = pageOnDemand(options);
  let answer: Promise<RequestListener> | undefined;
  const server = createServer((request, response) => {
    answer ??= loadApp(options, page).catch((error) => {
      answer = undefined;
      throw error;
    });
    answer
      .then((listener) => listener(request, response))
      .catch((error) => {
        options.log.error({ error: messageOf(error) }, 'the local door could not be opened');
        response.destroy();
      });
  });
  await listen(server, socketPath);
  chmodSync(socketPath, 0o600);
  return {
    close: async () => {
      await Promise.all([close(server), page.close()]);
    },
  };
}

/**
 * The page's server is loaded when somebody asks for it, and has no port open before. A load that failed is tried again by who
 * asks next: an update may have taken away the files of a daemon that still runs.
 */
function pageOnDemand({ ports, log, page: surroundings }: ControlServerOptions): Page {
  let loaded: Promise<Page> | undefined;
  return {
    ask: async () => {
      loaded ??= import('./page/page.ts').then(
        ({ createPage }) => createPage({ ports, log, ...surroundings }),
        (error) => {
          loaded = undefined;
          throw error;
        },
      );
      return (await loaded).ask();
    },
    close: async () => (await loaded?.catch(() => undefined))?.close(),
  };
}

async function loadApp({ ports, log }: ControlServerOptions, page: Page): Promise<RequestListener> {
  const [{ getRequestListener }, { createControlApp }] = await Promise.all([
    import('@hono/node-server'),
    import('./app.ts'),
  ]);
  return getRequestListener(createControlApp({ ports, log, page }).fetch, { overrideGlobalObjects: false });
}

function requireOwnFolder(folder: string): void {
  const stats = lstatSync(folder);
  const ours = process.getuid === undefined || stats.uid === process.getuid();
  if (stats.isDirectory() && ours && (stats.mode & 0o077) === 0) return;
  throw new RunmeshError(
    'socket_folder_unsafe',
    `${folder} must be a folder (and no link to one) that only this user can enter: the local socket would be open to others. Run \`chmod 700\` on it, or set RUNMESH_HOME.`,
  );
}

async function removeStaleSocket(path: string): Promise<void> {
  const stats = lookAtSocket(path);
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new RunmeshError(
      'socket_taken',
      `${path} is in the way: it is not a socket. Move it, then try again.`,
    );
  }
  if (await isAnswered(path)) {
    throw new RunmeshError('already_running', `Another daemon already answers on ${path}. Stop it first.`);
  }
  rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        new RunmeshError(codeOf(error), `The local socket ${path} cannot be opened: ${error.message}.`, {
          cause: error,
        }),
      );
    });
    server.listen(path, resolve);
  });
}

/** Node removes the socket file of a server that closes. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
