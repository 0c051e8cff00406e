import type { Hono } from 'hono';
import { RunmeshError } from '../kit/errors.ts';
import { approvalAnswer } from '../protocol/approvals.ts';
import { steerRequest } from '../protocol/run-api.ts';
import { bodyOf, read } from './answers.ts';
import { eventsQuery, historyQuery, listQuery, logQuery, pauseRequest, usageQuery } from './contract.ts';
import { ndjsonResponse } from './ndjson.ts';
import type { ControlPorts, Door } from './ports.ts';

/** What an owner sees and says by either door: the socket that the command line speaks, and the page. */
export function addOwnerRoutes(app: Hono, ports: ControlPorts, by: Door): void {
  app.get('/status', async (c) => c.json(await ports.status()));
  app.get('/history', async (c) => c.json(await ports.history(read(c.req.query(), historyQuery))));
  app.get('/usage', async (c) => c.json(await ports.usage(read(c.req.query(), usageQuery).days)));
  app.get('/logs', (c) => {
    const query = read(c.req.query(), logQuery);
    return ndjsonResponse((signal) => ports.logs(query, signal));
  });
  addRunRoutes(app, ports);
  app.get('/approvals', async (c) => c.json(await ports.listApprovals()));
  app.post('/approvals/:id', async (c) => {
    const answer = read(await bodyOf(c), approvalAnswer);
    await ports.answerApproval(c.req.param('id'), answer, by);
    return c.json({ approvalId: c.req.param('id') });
  });
  app.post('/pause', async (c) => {
    const { mode } = read(await bodyOf(c), pauseRequest);
    return c.json({ paused: await ports.pause(mode) });
  });
  app.post('/resume', async (c) => c.json({ paused: await ports.resume() }));
}

function addRunRoutes(app: Hono, ports: ControlPorts): void {
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
}

async function knownRun(ports: ControlPorts, runId: string) {
  const run = await ports.readRun(runId);
  if (run !== undefined) return run;
  throw new RunmeshError(
    'not_found',
    `This device knows no run ${runId}. \`runmesh runs\` lists those it knows.`,
  );
}
