import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import { isRunmeshError, messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { approvalAnswer } from '../protocol/approvals.ts';
import { ERROR_STATUS } from '../protocol/errors.ts';
import { LIMITS } from '../protocol/limits.ts';
import { checkJsonBounds } from '../protocol/read-frame.ts';
import { runRequest, steerRequest } from '../protocol/run-api.ts';
import { eventsQuery, listQuery, pauseRequest } from './contract.ts';
import { ndjsonResponse } from './ndjson.ts';
import type { ControlPorts } from './ports.ts';

/** The routes of the local API over its ports. */
export function createControlApp({ ports, log }: { ports: ControlPorts; log: Log }): Hono {
  const app = new Hono();
  app.use(refuseBrowsers);
  app.use(bodyLimit({ maxSize: LIMITS.requestBodyBytes, onError: () => refuse(tooLarge()) }));

  app.get('/status', async (c) => c.json(await ports.status()));
  app.get('/runs', async (c) => c.json(await ports.listRuns(read(c.req.query(), listQuery).limit)));
  app.get('/runs/:id', async (c) => c.json(await knownRun(ports, c.req.param('id'))));
  app.get('/runs/:id/events', async (c) => {
    const { after } = read(c.req.query(), eventsQuery);
    const { runId } = await knownRun(ports, c.req.param('id'));
    return ndjsonResponse((signal) => ports.runEvents(runId, after, signal));
  });
  app.post('/runs/:id/cancel', async (c) => {
    const { runId } = await knownRun(ports, c.req.param('id'));
    await ports.cancel(runId);
    return c.json({ runId });
  });
  app.post('/runs/:id/steer', async (c) => {
    const { text } = read(await bodyOf(c), steerRequest);
    const { runId } = await knownRun(ports, c.req.param('id'));
    await ports.steer(runId, text);
    return c.json({ runId });
  });
  app.get('/approvals', async (c) => c.json(await ports.listApprovals()));
  app.post('/approvals/:id', async (c) => {
    const answer = read(await bodyOf(c), approvalAnswer);
    await ports.answerApproval(c.req.param('id'), answer);
    return c.json({ approvalId: c.req.param('id') });
  });
  app.post('/here', async (c) => {
    const request = read(await bodyOf(c), runRequest);
    return ndjsonResponse((signal) => ports.here(request, signal));
  });
  app.get('/doctor', async (c) => c.json(await ports.doctor()));
  app.post('/pause', async (c) => {
    const { mode } = read(await bodyOf(c), pauseRequest);
    return c.json({ paused: await ports.pause(mode) });
  });
  app.post('/resume', async (c) => c.json({ paused: await ports.resume() }));
  app.post('/reload', async (c) => c.json(await ports.reload()));
  app.post('/stop', async (c) => {
    await ports.stop();
    return c.json({ stopping: true });
  });

  app.notFound((c) =>
    refuse(new RunmeshError('not_found', `There is no ${c.req.method} ${c.req.path} here.`)),
  );
  app.onError((error) => {
    if (!isRunmeshError(error)) log.error({ error: messageOf(error) }, 'a local request failed');
    return refuse(error);
  });
  return app;
}

/** Only a web page sends `Origin`, and no web page has business here, by whatever relay it came. */
async function refuseBrowsers(c: Context, next: () => Promise<void>): Promise<void> {
  if (c.req.header('origin') === undefined) return next();
  throw new RunmeshError('forbidden', 'The local door does not answer web pages.');
}

async function knownRun(ports: ControlPorts, runId: string) {
  const run = await ports.readRun(runId);
  if (run !== undefined) return run;
  throw new RunmeshError(
    'not_found',
    `This device knows no run ${runId}. \`runmesh runs\` lists those it knows.`,
  );
}

async function bodyOf(c: Context): Promise<unknown> {
  const words = await c.req.text();
  const bounds = checkJsonBounds(words, LIMITS.requestJsonKeys);
  if (bounds !== undefined) throw new RunmeshError('bad_request', `The body is ${bounds}.`);
  try {
    return JSON.parse(words);
  } catch (error) {
    throw new RunmeshError('bad_request', 'The body is not JSON.', { cause: error });
  }
}

function read<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || 'body';
  throw new RunmeshError('bad_request', `${field}: ${issue?.message ?? 'not valid'}`, { details: { field } });
}

function refuse(error: unknown): Response {
  const known = isRunmeshError(error) ? error : undefined;
  const status = known === undefined ? 500 : statusOf(known.code);
  const code = known?.code ?? 'internal_error';
  const message = known?.message ?? 'Something went wrong in the daemon; its log says what.';
  return Response.json({ error: { code, message } }, { status });
}

/** A refusal with a code of its own (a run that has ended, a device that is not linked) is the caller's to mend. */
function statusOf(code: string): ContentfulStatusCode {
  return Object.hasOwn(ERROR_STATUS, code) ? ERROR_STATUS[code as keyof typeof ERROR_STATUS] : 409;
}

function tooLarge(): RunmeshError {
  return new RunmeshError('payload_too_large', `A body may have ${LIMITS.requestBodyBytes} bytes at most.`);
}
