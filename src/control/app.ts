import { type Context, Hono } from 'hono';
import { RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { runRequest } from '../protocol/run-api.ts';
import { answerFailures, bodyOf, boundBody, read } from './answers.ts';
import { ndjsonResponse } from './ndjson.ts';
import { addOwnerRoutes } from './owner-routes.ts';
import type { Page } from './page/page.ts';
import type { ControlPorts } from './ports.ts';

/** The routes of the socket over its ports: what either door has, and what only a program of the owner's may ask. */
export function createControlApp({ ports, log, page }: { ports: ControlPorts; log: Log; page: Page }): Hono {
  const app = new Hono();
  app.use(refuseBrowsers);
  app.use(boundBody);
  addOwnerRoutes(app, ports, 'cli');
  app.post('/here', async (c) => {
    const request = read(await bodyOf(c), runRequest);
    return ndjsonResponse((signal) => ports.here(request, signal));
  });
  app.get('/doctor', async (c) => c.json(await ports.doctor()));
  app.post('/reload', async (c) => c.json(await ports.reload()));
  app.post('/stop', async (c) => {
    await ports.stop();
    return c.json({ stopping: true });
  });
  app.post('/page', async (c) => c.json(await page.ask()));
  answerFailures(app, log);
  return app;
}

/** Only a web page sends `Origin`, and no web page has business here, by whatever relay it came. */
async function refuseBrowsers(c: Context, next: () => Promise<void>): Promise<void> {
  if (c.req.header('origin') === undefined) return next();
  throw new RunmeshError('forbidden', 'The local door does not answer web pages.');
}
