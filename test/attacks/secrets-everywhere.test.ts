import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SECRET_MASK } from '../../src/protocol/content.ts';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';

/** A key of its own for each place, so that one that is found says where it was put. */
const secretAt = (place: (typeof PLACES)[number]) =>
  `ghp_${createHash('sha256').update(place).digest('hex').slice(0, 36)}`;

function textsBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

const PLACES = [
  ...['prompt', 'system prompt', 'agent env', 'metadata', 'steer', 'cancel reason', 'agent description'],
  ...['file name', 'file content', 'output in pieces', 'error', 'typed', 'written path', 'patch', 'workdir'],
  ...['tool name', 'justification', 'command', 'owner words', 'model text', 'provider error'],
] as const;

it('51, 52 a secret that is put in every place comes out of none', async () => {
  const s = secretAt;
  let runNo = 0;
  const model = await startChatModel((request) => {
    const n = resultsIn(request);
    const last = JSON.stringify(request.messages.at(-1));
    const exec = (args: object) => ({ calls: [{ name: 'exec_command', args: { login: false, ...args } }] });
    if (runNo === 2)
      return request.messages.at(-1)?.role !== 'tool'
        ? exec({ cmd: 'sleep 60', yield_time_ms: 30_000 })
        : { text: 'x' };
    if (runNo === 3)
      return {
        raw: (response) =>
          response.writeHead(401).end(`{"error":{"message":"bad key ${s('provider error')}"}}`),
      };
    const half = s('output in pieces');
    const steps: (() => { text?: string; calls?: { name: string; args: unknown }[] })[] = [
      () =>
        exec({
          cmd: `printf ${half.slice(0, 15)}; sleep 0.6; printf ${half.slice(15, 25)}; sleep 0.6; echo ${half.slice(25)}; env | grep LEAK`,
          yield_time_ms: 5000,
        }),
      () => exec({ cmd: `touch ${s('file name')}; ls; cat content; cat nowhere-${s('error')}` }),
      () => ({ calls: [{ name: s('tool name'), args: {} }] }),
      () => exec({ cmd: 'cat', yield_time_ms: 250 }),
      () => ({
        calls: [
          {
            name: 'write_stdin',
            args: { session_id: Number(/session ID (\d+)/.exec(last)?.[1] ?? 1), chars: `${s('typed')}\n` },
          },
        ],
      }),
      () => exec({ cmd: `echo ${s('command')}` }),
      () =>
        exec({
          cmd: 'echo plain',
          with_escalated_permissions: true,
          justification: `because ${s('justification')}`,
        }),
      () => ({ calls: [{ name: 'write_file', args: { path: `${s('written path')}.txt`, content: 'x' } }] }),
      () => ({
        calls: [
          {
            name: 'apply_patch',
            args: { input: `*** Begin Patch\n*** Add File: p\n+${s('patch')}\n*** End Patch` },
          },
        ],
      }),
      () => exec({ cmd: 'true', workdir: s('workdir') }),
      () => ({ calls: [{ name: 'list_directory', args: { path: '.' } }] }),
    ];
    return steps[n]?.() ?? { text: `done ${s('model text')}` };
  });
  const house = new House();
  await house.startMesh();
  await house.link();
  const provider = { type: 'openai-compatible', baseUrl: model.baseUrl };
  await house.configure('models.providers.test', JSON.stringify(provider));
  await house.configure('logLevel', 'debug');
  await house.configure('environment.allow', '["LEAK"]');
  await house.startDaemon();
  writeFileSync(join(house.workspace, 'content'), s('file content'));
  await house.agent({
    model: 'test/model',
    systemPrompt: `You. ${s('system prompt')}`,
    description: s('agent description'),
    env: { LEAK: s('agent env') },
  });
  runNo = 1;
  const stream = await house.run({ prompt: `go ${s('prompt')}`, metadata: { note: s('metadata') } });
  await stream.frame((frame) => frame.type === 'approval_requested');
  await house.post(`/v1/run/${stream.runId}/steer`, { text: `also ${s('steer')}` });
  const pending = house.command('approvals', '--json');
  await pending.exited;
  const deny = house.command(
    'approvals',
    'deny',
    String(pending.lines[0]?.approvalId),
    '--words',
    `no ${s('owner words')}`,
  );
  await deny.exited;
  await stream.ended;
  runNo = 2;
  const second = await house.run({ prompt: 'wait', threadId: stream.threadId });
  await second.frame((frame) => frame.type === 'tool_call');
  await house.post(`/v1/run/${second.runId}/cancel`, { reason: `since ${s('cancel reason')}` });
  await second.ended;
  runNo = 3;
  const third = await house.run({ prompt: 'fail' });
  await third.ended;
  const cli = async (...args: string[]) => {
    const command = house.command(...args);
    await command.exited;
    return JSON.stringify(command.lines) + command.stderr;
  };
  const sinks: Record<string, string> = {
    frames: JSON.stringify([...stream.frames, ...second.frames, ...third.frames]),
    'runs tail': await cli('runs', 'tail', stream.runId),
    'runs show': await cli('runs', 'show', stream.runId),
    runs: await cli('runs'),
    logs: await cli('logs', '--json'),
    audit: await cli('audit', '--json', '--limit', '500'),
    approvals: JSON.stringify(pending.lines),
    thread: JSON.stringify(await house.fetch(`/v1/threads/${stream.threadId}/events`).then((r) => r.json())),
    'mesh audit': JSON.stringify(await house.fetch(`/v1/runmesh/audit`).then((r) => r.json())),
    run: JSON.stringify(await house.get(`/v1/run/${stream.runId}`)),
  };
  house.daemon?.signal('SIGTERM');
  await house.daemon?.exited;
  for (const name of readdirSync(join(house.dir, 'device'))) {
    const path = join(house.dir, 'device', name);
    const sink = `device/${name.replace(/-(wal|shm)$/, '')}`;
    const text = statSync(path).isDirectory() ? textsBelow(path) : readFileSync(path, 'latin1');
    sinks[sink] = (sinks[sink] ?? '') + text;
  }
  for (const name of readdirSync(join(house.dir, 'mesh'))) {
    const path = join(house.dir, 'mesh', name);
    const sink = `mesh/${name.replace(/-(wal|shm)$/, '')}`;
    if (statSync(path).isFile()) sinks[sink] = (sinks[sink] ?? '') + readFileSync(path, 'latin1');
  }
  // The run came by every place, so that nothing is clean because it was never there.
  expect(stream.payloads('tool_result')).toHaveLength(11);
  expect(stream.payloads('run_completed')).toMatchObject([{ status: 'completed' }]);
  expect(second.payloads('run_completed')).toMatchObject([{ status: 'cancelled' }]);
  expect(third.payloads('run_completed')).toMatchObject([{ status: 'failed' }]);
  expect(sinks.frames).toContain(SECRET_MASK);
  const leaks = Object.entries(sinks).map(([sink, text]) => {
    const places = PLACES.filter((place) =>
      [s(place).slice(0, 20), s(place).slice(20)].some((part) => text.includes(part)),
    );
    return [sink, places] as const;
  });
  expect(Object.fromEntries(leaks.filter(([, places]) => places.length > 0))).toEqual({
    // Commands need it, after a restart too.
    'device/journal.db': ['agent env'],
    // What callers gave the mesh for it to send on.
    'mesh/mesh.db': [
      'prompt',
      'system prompt',
      'agent env',
      'metadata',
      'steer',
      'cancel reason',
      'agent description',
    ],
  });
}, 120_000);
