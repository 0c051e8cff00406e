import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { House, type Stream } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';

const STEPS = 5;

/** A model that appends a line to a witness file in each step, and at the end says how many it made. */
function witnessModel() {
  return startChatModel((request) => {
    const done = resultsIn(request);
    if (done >= STEPS) return { text: `Wrote ${done} lines. 🌱`, wordMs: 5 };
    const cmd = `sleep 0.15; echo line ${done + 1} >> witness.txt`;
    return {
      text: `Step ${done + 1} of the work.`,
      wordMs: 2,
      calls: [{ name: 'exec_command', args: { cmd } }],
    };
  });
}

function witness(house: House): string[] {
  const file = join(house.workspace, 'witness.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

/** The events of a run as its thread has them: every number once, and one end. */
async function expectEnd(
  house: House,
  stream: Pick<Stream, 'runId' | 'threadId'>,
): Promise<Record<string, unknown>[]> {
  const { events } = (await house.get(`/v1/threads/${stream.threadId}/events?limit=500`)) as {
    events: Record<string, unknown>[];
  };
  const ours = events.filter((event) => event.runId === stream.runId);
  expect(ours.map((event) => event.runSequence)).toEqual(ours.map((_, index) => index + 1));
  expect(ours.filter((event) => event.type === 'run_completed')).toHaveLength(1);
  return ours;
}

/** The same, and usage is the sum of the steps. */
async function expectWhole(
  house: House,
  stream: Pick<Stream, 'runId' | 'threadId'>,
): Promise<Record<string, unknown>[]> {
  const ours = await expectEnd(house, stream);
  const steps = ours.filter((event) => event.type === 'assistant_message').length;
  expect(ours.at(-1)).toMatchObject({
    type: 'run_completed',
    payload: { iterations: steps, usage: { totalTokens: steps * 110 } },
  });
  return ours;
}

describe('a run loses nothing', () => {
  it('when the daemon is killed: it goes on by itself, and runs no call a second time on its own', async () => {
    const house = await House.withModel((await witnessModel()).baseUrl);
    const stream = await house.run({ prompt: 'work' });
    await expect.poll(() => witness(house).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    await house.daemon?.kill();
    await house.startDaemon();
    await stream.ended;
    const events = await expectWhole(house, stream);
    expect(stream.payloads('run_completed')).toMatchObject([{ status: 'completed' }]);
    expect(events.filter((event) => event.type === 'error')).toMatchObject([
      { payload: { code: 'daemon_restarted' } },
    ]);
    const lines = witness(house);
    expect(new Set(lines).size).toBe(lines.length);
  });

  it('when the mesh is killed: the device sends what it lacks, and the caller resumes by Last-Event-ID', async () => {
    const house = await House.withModel((await witnessModel()).baseUrl);
    const stream = await house.run({ prompt: 'work' });
    await expect.poll(() => witness(house).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    await house.mesh?.kill();
    await expect(stream.ended).rejects.toThrow();
    await house.startMesh();
    const lastId = stream.frames.findLast((frame) => frame.id !== undefined)?.id ?? '';
    const rest = await house.resume(stream.runId, lastId);
    await rest.ended;
    await expectWhole(house, stream);
    const ids = [...stream.frames, ...rest.frames].flatMap((frame) => frame.id ?? []);
    expect(ids).toEqual(ids.map((_, index) => `${stream.runId}:${index + 1}`));
    expect(witness(house)).toEqual(Array.from({ length: STEPS }, (_, n) => `line ${n + 1}`));
  }, 40_000);

  it('when the mesh is asked to stop: it sends its device and caller away gently, exits 0, and the run goes on', async () => {
    const house = await House.withModel((await witnessModel()).baseUrl);
    const stream = await house.run({ prompt: 'work' });
    await expect.poll(() => witness(house).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
    house.mesh?.signal('SIGTERM');
    expect(await house.mesh?.exited).toEqual({ code: 0, signal: null });
    await stream.ended;
    await house.startMesh();
    const lastId = stream.frames.findLast((frame) => frame.id !== undefined)?.id ?? '';
    await (await house.resume(stream.runId, lastId)).ended;
    await expectWhole(house, stream);
    expect(witness(house)).toEqual(Array.from({ length: STEPS }, (_, n) => `line ${n + 1}`));
  }, 40_000);

  it('but what a damaged journal held, and that is said: on the run, in status, by the file that was set aside', async () => {
    const house = await House.withModel((await witnessModel()).baseUrl);
    const stream = await house.run({ prompt: 'work' });
    await expect.poll(() => witness(house).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
    await house.daemon?.kill();
    const journal = join(house.dir, 'device', 'journal.db');
    writeFileSync(journal, 'not a database'.repeat(2_000));
    await house.startDaemon();
    await stream.ended;
    const events = await expectEnd(house, stream);
    expect(events.at(-1)).toMatchObject({ payload: { status: 'failed', error: { code: 'journal_lost' } } });
    const status = house.command('status', '--json');
    await status.exited;
    const { journalSetAside } = status.lines[0] as { journalSetAside: string };
    expect(journalSetAside).toContain(`${journal}.damaged-`);
    expect(readFileSync(journalSetAside, 'utf8')).toContain('not a database');
    const next = await house.run({ prompt: 'work again' });
    await next.ended;
    expect(next.payloads('run_completed')).toMatchObject([{ status: 'completed' }]);
  }, 40_000);

  it('when its device is away: it waits, says so, and runs when the device is back', async () => {
    const house = await House.withModel((await witnessModel()).baseUrl);
    house.daemon?.signal('SIGTERM');
    expect(await house.daemon?.exited).toEqual({ code: 0, signal: null });
    expect(await house.post('/v1/run', { agent: 'worker', prompt: 'work', stream: false })).toMatchObject({
      status: 'registered',
    });
    const refused = await house.fetch('/v1/run', {
      method: 'POST',
      body: JSON.stringify({ agent: 'worker', prompt: 'work', metadata: { failIfOffline: true } }),
    });
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      { error: { code: 'device_offline' } },
    ]);
    const caller = house.command('run', 'worker', 'work', '--mesh', house.url, '--key', house.key);
    await expect
      .poll(() => caller.stderr, { timeout: 10_000 })
      .toContain('The device is offline; the run waits');
    caller.signal('SIGINT');
    expect(await caller.exited).toMatchObject({ code: 1 });
    const stream = await house.run({ prompt: 'work' });
    await house.startDaemon();
    await stream.ended;
    await expectWhole(house, stream);
  }, 40_000);

  it('when the daemon is asked to stop: it finishes the step, exits 0, and goes on at the next start', async () => {
    const house = await House.withModel((await witnessModel()).baseUrl);
    const stream = await house.run({ prompt: 'work' });
    await expect.poll(() => witness(house).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
    house.daemon?.signal('SIGTERM');
    expect(await house.daemon?.exited).toEqual({ code: 0, signal: null });
    expect(stream.types).not.toContain('run_completed');
    await house.startDaemon();
    await stream.ended;
    const events = await expectWhole(house, stream);
    expect(events.filter((event) => event.type === 'error')).toEqual([]);
    expect(witness(house)).toEqual(Array.from({ length: STEPS }, (_, n) => `line ${n + 1}`));
  });
});

describe('a run is ended', () => {
  it('by its caller: the command stops, and the run ends once, cancelled, with its usage', async () => {
    const model = await startChatModel(() => ({
      text: 'Waiting.',
      calls: [{ name: 'exec_command', args: { cmd: 'sleep 77; echo late > late.txt' } }],
    }));
    const house = await House.withModel(model.baseUrl);
    const stream = await house.run({ prompt: 'wait' });
    await stream.frame((frame) => frame.type === 'tool_call');
    await house.post(`/v1/run/${stream.runId}/cancel`, {});
    await stream.ended;
    const events = await expectWhole(house, stream);
    expect(events.at(-1)).toMatchObject({ payload: { status: 'cancelled', iterations: 1 } });
  });

  it('by its deadline', async () => {
    const model = await startChatModel(() => ({
      calls: [{ name: 'exec_command', args: { cmd: 'sleep 78' } }],
    }));
    const house = await House.withModel(model.baseUrl);
    const record = await house.post('/v1/run', {
      agent: 'worker',
      prompt: 'wait',
      stream: false,
      config: { deadlineMs: 1_500 },
    });
    expect(record).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
  });
});

describe('an answer that is put down in its middle', () => {
  const stopped = {
    'by a pause and a resume': async (house: House) => {
      for (const args of [['pause', '--now'], ['resume']]) {
        const said = house.command(...args);
        expect((await said.exited).code).toBe(0);
      }
    },
    'by the death of the daemon': async (house: House) => {
      await house.daemon?.kill();
      await house.startDaemon();
    },
  };

  it.each(Object.entries(stopped))(
    'is taken back from everybody who heard it (%s)',
    async (_by, stop) => {
      const model = await startChatModel((_request, count) => {
        if (count > 1) return { text: 'I will look at it.' };
        const half = {
          id: 'c',
          choices: [{ index: 0, delta: { content: 'I will loo' }, finish_reason: null }],
        };
        return {
          raw: (response) => {
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            response.write(`data: ${JSON.stringify(half)}\n\n`);
          },
        };
      });
      const house = await House.withModel(model.baseUrl);
      const stream = await house.run({ prompt: 'work' });
      await stream.frame(({ type }) => type === 'assistant_message_delta');
      await stop(house);
      await stream.ended;
      const [message] = stream.payloads('assistant_message');
      const [begun] = stream.texts().keys();
      expect(begun).not.toBe(message?.messageId);
      expect(stream.texts()).toEqual(
        new Map([
          [begun, ''],
          [message?.messageId, 'I will look at it.'],
        ]),
      );
    },
    30_000,
  );
});
