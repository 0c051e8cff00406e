import { connect } from 'node:net';
import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  port: z.int().min(1).max(65_535).describe('Port that a server of this run listens on.'),
});

/** On a device the answer is local: nothing is opened to the outside. */
export const getDevUrl: Tool<z.infer<typeof input>> = {
  name: 'get_dev_url',
  description: 'Gives the URL of a development server that listens on a port of this computer.',
  input,
  repeatable: true,
  execute: async ({ port }) => {
    const hosts = await Promise.all(['127.0.0.1', '::1'].map((host) => listens(host, port)));
    if (!hosts.includes(true)) {
      throw new RunmeshError(
        'nothing_listens',
        `Nothing listens on port ${port}. Start the server, wait until it is ready, then ask again.`,
      );
    }
    return { text: `http://localhost:${port}\nReachable on this computer only.` };
  },
};

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_MS });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

const PROBE_MS = 1_000;
