import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { isRunmeshError, RunmeshError } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import { answerFailures, bodyOf, boundBody, read } from '../answers.ts';
import { addOwnerRoutes } from '../owner-routes.ts';
import type { ControlPorts } from '../ports.ts';
import { whyNotOurs } from './guard.ts';
import type { PageKeys } from './keys.ts';

export interface PageAppOptions {
  ports: ControlPorts;
  log: Log;
  keys: PageKeys;
  /** The folder of the page's own files. */
  files: string;
  /** Host and port as an address has them. */
  authority(): string;
  /** A token became a session. */
  onOpened(): void;
}

type Next = () => Promise<void>;

/**
 * The page and its API. A session is sent as `Authorization: Bearer` and lives in the tab's own storage. It is no cookie: cookies do
 * not know ports, so whatever else listens on 127.0.0.1, a run's dev server among it, would be sent it too.
 */
export function createPageApp({ ports, log, keys, files, authority, onOpened }: PageAppOptions): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    for (const [name, value] of HEADERS) c.res.headers.set(name, value);
  });
  app.use((c, next) => requireOurs(c, next, authority()));
  app.use(boundBody);
  for (const [path, { file, type }] of Object.entries(FILES)) {
    app.get(path, async (c) => c.body(await readFile(join(files, file)), 200, { 'Content-Type': type }));
  }
  app.post('/session', async (c) => {
    const { token } = read(await bodyOf(c), tokenBody);
    const session = exchange(keys, token, log);
    onOpened();
    return c.json({ session });
  });
  app.use('/api/*', (c, next) => requireSession(c, next, keys));
  const api = new Hono();
  addOwnerRoutes(api, ports, 'page');
  app.route('/api', api);
  answerFailures(app, log);
  return app;
}

/** Who tries wrong tokens is worth a line: nobody mistypes an address of 43 characters ten times. */
function exchange(keys: PageKeys, token: string, log: Log): string {
  try {
    return keys.exchange(token);
  } catch (error) {
    if (isRunmeshError(error, 'invalid_token')) log.warn('a wrong or used address of the page was tried');
    throw error;
  }
}

async function requireOurs(c: Context, next: Next, authority: string): Promise<void> {
  const { incoming } = c.env as { incoming: IncomingMessage };
  const why = whyNotOurs(incoming, authority);
  if (why !== undefined) throw new RunmeshError('forbidden', why);
  // A form can send other types to any site without asking, JSON it cannot.
  const type = c.req.header('content-type');
  if (c.req.method !== 'GET' && type !== undefined && !/^application\/json(;|$)/i.test(type)) {
    throw new RunmeshError('bad_request', 'The page sends JSON.');
  }
  return next();
}

async function requireSession(c: Context, next: Next, keys: PageKeys): Promise<void> {
  const [, session = ''] = /^Bearer ([\w-]+)$/.exec(c.req.header('authorization') ?? '') ?? [];
  if (!keys.admits(session)) {
    throw new RunmeshError('unauthorized', 'This page is closed. `runmesh dashboard` opens it again.');
  }
  return next();
}

const tokenBody = z.strictObject({ token: z.string().max(100) });

const FILES: Readonly<Record<string, { file: string; type: string }>> = {
  '/': { file: 'page.html', type: 'text/html; charset=utf-8' },
  '/page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
};

/** The page's own files and nothing else; no markup from strings (trusted types), no frame, no trace of its address. */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  [
    'Content-Security-Policy',
    [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
  ],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
  ['Cache-Control', 'no-store'],
];
