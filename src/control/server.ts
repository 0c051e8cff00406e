import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { ControlPorts } from './ports.ts';

export interface ControlServerOptions {
  /** In a folder that only its owner can enter: the socket's own mode is set a moment after it is made. */
  socketPath: string;
  ports: ControlPorts;
  log: Log;
}

/**
 * Opens the local door. A socket file that nobody answers is taken away first; one that somebody answers, or a file
 * that is no socket, is `already_running` or `socket_taken`. The app and its libraries are loaded when somebody first
 * knocks: a daemon that only runs what it is sent does without them.
 */
export async function startControlServer(options: ControlServerOptions): Promise<{ close(): Promise<void> }> {
  const { socketPath } = options;
  await removeStaleSocket(socketPath);
  let answer: Promise<RequestListener> | undefined;
  const server = createServer((request, response) => {
    answer ??= loadApp(options);
    answer
      .then((listener) => listener(request, response))
      .catch((error) => {
        options.log.error({ error: messageOf(error) }, 'the local door could not be opened');
        response.destroy();
      });
  });
  await listen(server, socketPath);
  chmodSync(socketPath, 0o600);
  return { close: () => close(server) };
}

async function loadApp({ ports, log }: ControlServerOptions): Promise<RequestListener> {
  const [{ getRequestListener }, { createControlApp }] = await Promise.all([
    import('@hono/node-server'),
    import('./app.ts'),
  ]);
  return getRequestListener(createControlApp({ ports, log }).fetch, { overrideGlobalObjects: false });
}

async function removeStaleSocket(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
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
