import { connect } from 'node:net';
import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  port: z.int().min(1).max(65_535).describe('Port that a server listens on.'),
});

/** On a device the address is a local one: nothing is opened to the outside. */
export const getDevUrl: Tool<z.infer<typeof input>> = {
  name: 'get_dev_url',
  description:
    'Answers the URL of a server that listens on a port of this computer, for instance one you started.',
  input,
  repeatable: true,
  execute: async ({ port }, { signal }) => {
    const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => listens(host, port, signal)));
    signal.throwIfAborted();
    if (!answers.includes(true)) {
      throw new RunmeshError(
        'nothing_listens',
        `port: nothing listens on ${port} of this computer. Start the server, wait until it is ready, and ask again.`,
      );
    }
    return { text: `http://localhost:${port}\nIt is reachable on this computer only.` };
  },
};

function listens(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_MS, signal });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

/** On loopback an answer takes well under a millisecond. */
const PROBE_MS = 1_000;
