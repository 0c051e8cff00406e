import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { House, type Stream } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';

const linux = process.platform === 'linux';

/** Runs one command, then waits for something else until a limit ends the run. */
async function runAgainst(
  cmd: string,
  limits: Record<string, number>,
): Promise<{ house: House; stream: Stream }> {
  const model = await startChatModel((request) => {
    const first = resultsIn(request) === 0;
    const args = first ? { cmd, yield_time_ms: 250 } : { cmd: 'sleep 30', yield_time_ms: 30_000 };
    return { calls: [{ name: 'exec_command', args: { ...args, login: false } }] };
  });
  const house = await House.withModel(model.baseUrl, { limits });
  const stream = await house.run({ prompt: 'go' });
  await stream.ended;
  return { house, stream };
}

function codeOf(stream: Stream): unknown {
  const end = stream.payloads('run_completed')[0] as
    | { status?: string; error?: { code: string } }
    | undefined;
  return [end?.status, end?.error?.code];
}

/** Processes that bear the run's mark in their environment, whatever they did to be forgotten. */
function leftOf(runId: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`RUNMESH_SESSION=${runId}/`)
      );
    } catch {
      return false;
    }
  });
}

describe.skipIf(!linux)(`97 a hostile model${linux ? '' : ' (skipped: these cases look into /proc)'}`, () => {
  it('97 endless output ends the run, and nothing of it is left', async () => {
    const { stream } = await runAgainst('yes', { outputBytes: 5_000_000 });
    expect(codeOf(stream)).toEqual(['failed', 'limit_output']);
    expect(leftOf(stream.runId)).toEqual([]);
    expect(JSON.stringify(stream.frames).length).toBeLessThan(3_000_000);
  });

  it('97 a crowd of processes ends the run, and none of them is left', async () => {
    const { stream } = await runAgainst('for i in $(seq 60); do sleep 60 & done; wait', { processes: 40 });
    expect(codeOf(stream)).toEqual(['failed', 'limit_processes']);
    expect(leftOf(stream.runId)).toEqual([]);
  });

  it('97 a disk filler ends the run before the disk is full', async () => {
    const filler =
      'for i in $(seq 400); do dd if=/dev/zero of=fill$i bs=1M count=4 conv=fsync 2>/dev/null; sleep 0.05; done';
    const { house, stream } = await runAgainst(filler, { diskBytes: 40_000_000 });
    expect(codeOf(stream)).toEqual(['failed', 'limit_disk']);
    expect(leftOf(stream.runId)).toEqual([]);
    const filled = readdirSync(house.workspace).reduce(
      // What stands there for the sandbox alone goes with it, which may be now.
      (sum, name) => sum + (statSync(join(house.workspace, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
    expect(filled).toBeLessThan(800_000_000);
  });

  it('97 time at work ends the run, with its usage whole', async () => {
    const { stream } = await runAgainst('true', { wallMs: 2_000 });
    expect(codeOf(stream)).toEqual(['failed', 'limit_wall_time']);
    const steps = stream.payloads('assistant_message').length;
    expect(stream.payloads('run_completed')).toMatchObject([
      { iterations: steps, usage: { totalTokens: 110 * steps } },
    ]);
  });

  it('54 what left its session, lost its parent and ignores every signal ends with its run', async () => {
    const hidden = `trap "" TERM HUP INT; exec sleep 300`;
    const cmd = `(setsid sh -c '(sh -c "${hidden.replaceAll('"', '\\"')}" &) & exit' &) ; nohup setsid sleep 301 >/dev/null 2>&1 & echo started`;
    const { stream } = await runAgainst(cmd, { wallMs: 3_000 });
    expect(codeOf(stream)).toEqual(['failed', 'limit_wall_time']);
    expect(leftOf(stream.runId)).toEqual([]);
  });
});

describe('97 a hostile model’s words', () => {
  it('97 ten thousand calls, unknown tools, ids used twice and huge arguments are bounded, answered and harmless', async () => {
    const model = await startChatModel((request) => {
      const results = resultsIn(request);
      if (results === 0)
        return { calls: Array.from({ length: 10_000 }, (_, n) => ({ name: `no_such_tool_${n}`, args: {} })) };
      if (results === 100)
        return { calls: [{ name: 'write_file', args: { path: 'big', content: 'x'.repeat(20_000_000) } }] };
      if (results === 101) return { raw: (response) => twice(response) };
      return { text: 'I give up.' };
    });
    const house = await House.withModel(model.baseUrl);
    const stream = await house.run({ prompt: 'go' });
    await stream.ended;
    expect(codeOf(stream)).toEqual(['completed', undefined]);
    expect(stream.payloads('error').filter(({ code }) => code === 'too_many_calls')).toHaveLength(1);
    const calls = stream.payloads('tool_call');
    const results = stream.payloads('tool_result');
    expect(calls).toHaveLength(100 + 1 + 2);
    expect(new Set(calls.map(({ callId }) => callId)).size).toBe(calls.length);
    expect(results).toHaveLength(calls.length);
    expect(results.slice(0, 101).every(({ status }) => status === 'failed')).toBe(true);
    // Both of the calls that shared an id ran, each with its own outcome.
    expect(results.slice(101).map(({ text }) => /said-(one|two)/.exec(String(text))?.[1])).toEqual([
      'one',
      'two',
    ]);
    // The sandbox's empty folders, over names that must not be made, go with the last command.
    await expect.poll(() => readdirSync(house.workspace), { timeout: 5_000 }).toEqual([]);
  });
});

/** Two calls under one id, as no honest provider sends them. */
function twice(response: import('node:http').ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const called = (index: number, word: string) => ({
    index,
    id: 'same',
    type: 'function',
    function: { name: 'exec_command', arguments: JSON.stringify({ cmd: `echo said-${word}`, login: false }) },
  });
  const choice = (delta: unknown, finish_reason: string | null) => ({
    id: 'c',
    choices: [{ index: 0, delta, finish_reason }],
  });
  response.write(`data: ${JSON.stringify(choice({ tool_calls: [called(0, 'one')] }, null))}\n\n`);
  response.write(`data: ${JSON.stringify(choice({ tool_calls: [called(1, 'two')] }, null))}\n\n`);
  response.end(`data: ${JSON.stringify(choice({}, 'tool_calls'))}\n\ndata: [DONE]\n\n`);
}
