import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { spawn } from 'node-pty';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildCommands } from '../../src/cli/build-commands.ts';
import { allCommands, describeCommands } from '../../src/cli/completion/command-tree.ts';
import { renderManPage } from '../../src/cli/completion/man-page.ts';
import { tempDir } from '../support/temp.ts';
import { CliWorld } from './harness.ts';

const program = () => buildCommands(new CliWorld().context, async () => {}, { json: false });

async function scriptFor(shell: string): Promise<string> {
  const world = new CliWorld();
  expect(await world.run('completion', shell)).toBe(0);
  const file = join(tempDir(), `runmesh.${shell}`);
  writeFileSync(file, world.out);
  return file;
}

function isThere(command: string): boolean {
  return execaSync(command, ['--version'], { reject: false }).exitCode === 0;
}

function orSkipped(name: string, there: boolean, command: string): string {
  return there ? name : `${name} (skipped: ${command} is missing)`;
}

describe('completion', () => {
  const bash = isThere('bash');
  it.skipIf(!bash)(orSkipped('in bash knows every command, option and no more', bash, 'bash'), async () => {
    const script = await scriptFor('bash');
    const complete = (...words: string[]) => {
      const line = ['runmesh', ...words];
      const array = line.map((word) => `'${word}'`).join(' ');
      const commands = `set -u; source '${script}'; COMP_WORDS=(${array}); COMP_CWORD=${line.length - 1}; _runmesh; printf '%s\n' "\${COMPREPLY[@]-}"`;
      const { stdout, stderr, exitCode } = execaSync('bash', ['--norc', '-c', commands], { reject: false });
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
      return stdout.split('\n').filter((one) => one !== '');
    };
    expect(complete('serv')).toEqual(['service']);
    expect(complete('service', 'st')).toEqual(['start', 'stop', 'status']);
    expect(complete('service', 'install', '--')).toEqual(
      expect.arrayContaining(['--print-plist', '--wait', '--json', '--help']),
    );
    expect(complete('service', 'install', '--wait', '')).toEqual([]);
    expect(complete('--json', 'runs', 'ta')).toEqual(['tail']);
    expect(complete('no-such-command', 'x')).toEqual([]);
    // Not one command of the tree is missing.
    for (const { words, children } of allCommands(describeCommands(program()))) {
      if (children.length === 0) continue;
      expect(complete(...words, '').sort()).toEqual(children.map((child) => child.words.at(-1)).sort());
    }
  });

  const fish = isThere('fish');
  it.skipIf(!fish)(orSkipped('in fish knows every command with its description', fish, 'fish'), async () => {
    const script = await scriptFor('fish');
    const complete = (line: string) => {
      const args = ['--no-config', '-c', `source '${script}'; complete -C '${line}'`];
      const { stdout, stderr } = execaSync('fish', args, { env: { HOME: tempDir() }, reject: false });
      expect(stderr).toBe('');
      return stdout.split('\n');
    };
    expect(complete('runmesh serv')).toEqual([expect.stringMatching(/^service\tHas the system run/)]);
    expect(complete('runmesh service sta')).toEqual([
      expect.stringMatching(/^start\t/),
      expect.stringMatching(/^status\t/),
    ]);
    expect(complete('runmesh service install --pr').map((line) => line.split('\t')[0])).toEqual([
      '--print-plist',
      '--print-unit',
    ]);
  });

  const zsh = isThere('zsh');
  it.skipIf(!zsh)(orSkipped('in zsh completes and describes at the prompt', zsh, 'zsh'), async () => {
    const script = await scriptFor('zsh');
    for (const [typed, shown] of [
      ['runmesh service unin\t', 'runmesh service uninstall'],
      ['runmesh service st\t\t', 'Says what the system makes of it'],
      ['runmesh service install --print-u\t', '--print-unit'],
    ] as const) {
      const prompt = openZsh();
      prompt.type(`autoload -U compinit; compinit -D -u; source '${script}'; echo ready-$((1+1))\r`);
      await prompt.says('ready-2');
      prompt.type(typed);
      await prompt.says(shown);
    }
  });
});

/** An interactive zsh of its own on a pty, without anybody's settings. */
function openZsh() {
  const home = tempDir();
  const env = { HOME: home, ZDOTDIR: home, TERM: 'dumb', PATH: '/usr/bin:/bin', PS1: '> ' };
  const pty = spawn('zsh', ['-f', '-i'], { cols: 120, rows: 40, cwd: home, env });
  onTestFinished(() => pty.kill('SIGKILL'));
  let output = '';
  pty.onData((text) => {
    output += text;
  });
  return {
    type: (text: string) => pty.write(text),
    says: (text: string) => expect.poll(() => output, { timeout: 15_000, interval: 50 }).toContain(text),
  };
}

describe('the manual', () => {
  const render = () => renderManPage(program(), { version: '1.2.3', date: '2026-01-02' });
  const mandoc = execaSync('mandoc', ['-V'], { reject: false }).code !== 'ENOENT';
  it.skipIf(!mandoc)(orSkipped('has nothing in it that mandoc warns of', mandoc, 'mandoc'), () => {
    const { stdout, stderr } = execaSync('mandoc', ['-T', 'lint', '-W', 'warning'], {
      input: render(),
      reject: false,
    });
    expect(stdout + stderr).toBe('');
  });

  it('names every command and option there is', () => {
    const text = render();
    for (const { words, options } of allCommands(describeCommands(program()))) {
      expect(text).toContain(`runmesh${words.map((word) => ` ${word}`).join('')}`.replaceAll('-', '\\-'));
      for (const { long } of options) expect(text).toContain(long.replaceAll('-', '\\-'));
    }
  });
});
