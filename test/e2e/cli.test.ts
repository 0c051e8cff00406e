import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';
import { startChatModel } from '../support/model-server.ts';
import { Command } from '../support/processes.ts';
import { tempDir } from '../support/temp.ts';

function runmesh(...args: string[]): Command {
  const home = tempDir();
  return new Command(args, {
    PATH: process.env.PATH,
    HOME: home,
    RUNMESH_HOME: home,
    RUNMESH_SECRETS: 'file',
  });
}

describe('runmesh demo', () => {
  it('mends the failing test of a real repository over the whole real way', async () => {
    const demo = runmesh('demo', '--json');
    expect(await demo.exited).toEqual({ code: 0, signal: null });
    const record = demo.lines.at(-1) ?? {};
    expect(Object.keys(record).slice(0, 9)).toEqual([
      'runId',
      'threadId',
      'rolloutId',
      'executionMode',
      'targetDeviceId',
      'status',
      'result',
      'usage',
      'iterations',
    ]);
    expect(record).toMatchObject({ status: 'completed', executionMode: 'local-mac', iterations: 5 });
    expect(String(record.result)).toContain('exited with 1 before the change and with 0 after it');
    const changes = demo.lines.filter((line) => line.type === 'file_change');
    expect(changes).toMatchObject([{ payload: { path: 'src/slug.js', kind: 'update' } }]);
  });
});

describe('runmesh run', () => {
  it('prints a line a frame and the record last, and exits by how the run ended', async () => {
    const model = await startChatModel((_request, count) =>
      count === 1 ? { text: 'Done.' } : { raw: (r) => r.writeHead(400).end('{}') },
    );
    const house = await House.withModel(model.baseUrl);
    const good = house.command('run', 'worker', 'go', '--mesh', house.url, '--key', house.key, '--json');
    expect(await good.exited).toMatchObject({ code: 0 });
    expect(good.lines[0]).toMatchObject({ type: 'run_started' });
    expect(good.lines.at(-1)).toMatchObject({ status: 'completed', result: 'Done.' });
    const bad = house.command('run', 'worker', 'go', '--mesh', house.url, '--key', house.key, '--json');
    expect(await bad.exited).toMatchObject({ code: 1 });
    expect(bad.lines.at(-1)).toMatchObject({ status: 'failed', error: { code: 'model_error' } });
  });
});

describe('the command line', () => {
  it.each([
    { args: ['lnik'], code: 2, says: 'link' },
    { args: ['run', 'worker'], code: 2, says: 'prompt' },
    { args: ['mesh', '--port', 'many'], code: 2, says: '0 to 65535' },
    { args: ['audit', '--since', '99999999999d'], code: 2, says: 'such as 2026-11-24T10:00Z' },
    { args: ['audit', '--since', `${'9'.repeat(400)}s`], code: 2, says: 'such as 2026-11-24T10:00Z' },
    { args: ['audit', '--limit', '1e300'], code: 2, says: 'whole number' },
    { args: ['daemon'], code: 1, says: 'runmesh link' },
    { args: ['status'], code: 1, says: 'not linked' },
    { args: ['runs'], code: 1, says: 'runmesh daemon' },
    { args: ['config', 'set', 'workspaces.default', '/no/such/folder'], code: 1, says: 'is not a folder' },
    { args: ['config', 'set', 'drainMS', '5'], code: 1, says: 'drainMs' },
    { args: ['link', '--mesh', 'http://127.0.0.1:9'], code: 1, says: 'cannot be reached' },
    { args: ['link', '--mesh', 'http://example.org'], code: 1, says: 'not encrypted' },
    {
      args: ['run', 'worker', 'go', '--mesh', 'http://127.0.0.1:9', '--key', 'rt_test_x'],
      code: 1,
      says: 'cannot be reached',
    },
    { args: ['run', 'worker', 'go', '--mesh', 'http://127.0.0.1:9'], code: 1, says: 'API key' },
    { args: [], code: 0, says: 'runmesh link' },
    { args: ['--help'], code: 0, says: 'demo' },
    { args: ['run', '--help'], code: 0, says: 'Example:' },
  ])('answers `runmesh $args` with exit $code and a sentence', async ({ args, code, says }) => {
    const command = runmesh(...args);
    expect(await command.exited).toMatchObject({ code });
    const said = command.lines.map((line) => String(line.text)).join('\n') + command.stderr;
    expect(said).toContain(says);
    expect(said).not.toMatch(/\n\s+at /);
  });
});
