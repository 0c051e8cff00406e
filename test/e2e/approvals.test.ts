import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';
import { type ChatAnswer, resultsIn, startChatModel } from '../support/model-server.ts';
import { noSandbox } from '../support/policies.ts';

const withSandbox = noSandbox === undefined;
const name = (text: string) => (withSandbox ? text : `${text} (skipped: no sandbox here, ${noSandbox})`);

/** A model that makes these calls, one a step, and then repeats what the last of them answered. */
async function houseWith(
  calls: (house: House) => ChatAnswer['calls'][],
  config: Record<string, string> = {},
) {
  let story: ChatAnswer['calls'][] = [];
  const model = await startChatModel((request) => {
    const next = story[resultsIn(request)];
    if (next !== undefined) return { calls: next };
    return { text: String(request.messages.at(-1)?.content ?? '') };
  });
  const house = new House();
  await house.startMesh();
  await house.link();
  await house.configure(
    'models.providers.test',
    JSON.stringify({ type: 'openai-compatible', baseUrl: model.baseUrl }),
  );
  for (const [key, value] of Object.entries(config)) await house.configure(key, value);
  await house.startDaemon();
  await house.agent({ model: 'test/model' });
  story = calls(house);
  return house;
}

const escalated = (cmd: string) => [
  {
    name: 'exec_command',
    args: {
      cmd,
      login: false,
      with_escalated_permissions: true,
      justification: 'it writes beside the workspace',
    },
  },
];

const approvals = async (house: House, ...args: string[]) => {
  const command = house.command('approvals', ...args, '--json');
  const { code } = await command.exited;
  return { code, lines: command.lines, stderr: command.stderr };
};

const question = async (house: House) => {
  await expect.poll(async () => (await approvals(house)).lines.length, { timeout: 15_000 }).toBe(1);
  return (await approvals(house)).lines[0] ?? {};
};

describe('a run that needs a word of its owner', () => {
  it.skipIf(!withSandbox)(
    name('is refused inside the sandbox, asks, and runs outside it once it may'),
    async () => {
      const house = await houseWith((own) => [
        [{ name: 'exec_command', args: { cmd: `echo in > ${own.dir}/beside.txt`, login: false } }],
        escalated(`echo out >> ${own.dir}/beside.txt`),
      ]);
      const stream = await house.run({ prompt: 'write beside the workspace' });
      const asked = await question(house);
      expect(asked).toMatchObject({
        runId: stream.runId,
        what: `echo out >> ${house.dir}/beside.txt`,
        opens: 'outside_sandbox',
        prefix: null,
        reason: 'it writes beside the workspace',
      });
      expect(existsSync(join(house.dir, 'beside.txt'))).toBe(false);
      expect(await approvals(house, 'allow', String(asked.approvalId))).toMatchObject({ code: 0 });
      await stream.ended;
      expect(readFileSync(join(house.dir, 'beside.txt'), 'utf8')).toBe('out\n');
      expect(stream.types).toEqual(expect.arrayContaining(['approval_requested', 'approval_resolved']));
      const again = await approvals(house, 'allow', String(asked.approvalId));
      expect([again.code, again.lines]).toEqual([
        1,
        [expect.objectContaining({ type: 'error', code: 'approval_unknown' })],
      ]);
    },
  );

  it.skipIf(!withSandbox)(name('waits through the death of the daemon, and then runs once'), async () => {
    const house = await houseWith((own) => [escalated(`echo once >> ${own.dir}/witness.txt`)]);
    const stream = await house.run({ prompt: 'go' });
    const before = await question(house);
    await house.daemon?.kill();
    await house.startDaemon();
    const after = await question(house);
    expect([after.approvalId, after.expiresAt]).toEqual([before.approvalId, before.expiresAt]);
    await approvals(house, 'allow', String(after.approvalId));
    expect(await house.ended(stream.runId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(house.dir, 'witness.txt'), 'utf8')).toBe('once\n');
    const { events } = (await house.get(`/v1/threads/${stream.threadId}/events`)) as unknown as {
      events: { type: string }[];
    };
    expect(events.filter(({ type }) => type === 'approval_requested')).toHaveLength(1);
  });

  it('is told what the owner says instead, and nothing runs', async () => {
    const house = await houseWith(() => [[{ name: 'write_file', args: { path: 'a.txt', content: 'a' } }]], {
      'approvals.policy': 'untrusted',
    });
    const stream = await house.run({ prompt: 'go' });
    const { approvalId } = await question(house);
    expect((await approvals(house, 'deny', String(approvalId), '--words', 'write b.txt')).code).toBe(0);
    await stream.ended;
    expect(stream.payloads('run_completed')).toMatchObject([
      { result: expect.stringContaining('write b.txt') },
    ]);
    expect(stream.payloads('tool_result')).toMatchObject([{ status: 'denied' }]);
    expect(existsSync(join(house.workspace, 'a.txt'))).toBe(false);
  });

  it('is not asked again for what the owner allowed for good, and the config and the audit say so', async () => {
    const mkdir = (folder: string) => [
      { name: 'exec_command', args: { cmd: `mkdir ${folder}`, login: false } },
    ];
    const house = await houseWith(() => [mkdir('one'), mkdir('one')], { 'approvals.policy': 'untrusted' });
    const first = await house.run({ prompt: 'go' });
    const { approvalId, prefix } = await question(house);
    expect(prefix).toEqual(['mkdir', 'one']);
    expect((await approvals(house, 'allow', String(approvalId), '--always')).code).toBe(0);
    await first.ended;
    expect(first.payloads('approval_requested')).toHaveLength(1);
    const config = house.command('config', 'get', 'approvals.allow', '--json');
    await config.exited;
    const opens = withSandbox ? 'nothing' : 'outside_sandbox';
    expect(config.lines).toMatchObject([{ value: [{ prefix: ['mkdir', 'one'], opens }] }]);
    const audit = house.command('audit', '--json');
    await audit.exited;
    expect(audit.lines.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['approval_requested', 'approval_resolved', 'config']),
    );
    expect(audit.lines.map(({ what }) => what)).not.toContain('config_edited');
  });

  it('gets a no when nobody answers in time, and holds up no stop of the daemon', async () => {
    const house = await houseWith(() => [[{ name: 'delete_file', args: { path: 'x' } }]], {
      'approvals.policy': 'untrusted',
      'approvals.timeoutMs': '1500',
    });
    const stream = await house.run({ prompt: 'go' });
    await stream.ended;
    expect(stream.payloads('approval_resolved')).toMatchObject([{ decision: 'timed_out' }]);
    // Longer than this test may take: a run that only waits for a person is put down at once.
    await house.configure('drainMs', '600000');
    await house.configure('approvals.timeoutMs', '600000');
    await house.run({ prompt: 'again' });
    await question(house);
    house.daemon?.signal('SIGTERM');
    expect(await house.daemon?.exited).toMatchObject({ code: 0 });
  });
});
