import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { parse } from 'plist';
import { describe, expect, it } from 'vitest';
import { devicePaths } from '../../src/device/paths.ts';
import { type DefinitionParts, defineService } from '../../src/service/definition.ts';
import { findNode } from '../../src/service/find-node.ts';
import { readPlist, renderPlist } from '../../src/service/launchd/render-plist.ts';
import { createRunCommand } from '../../src/service/run-command.ts';
import { readUnit, renderUnit } from '../../src/service/systemd/render-unit.ts';
import { tempDir } from '../support/temp.ts';

/** A home with everything that a file format may trip over. */
const HARD_HOME = `/Users/a b/R&D <"it's"> 100% $HOME \\ ü`;
const PARTS: DefinitionParts = {
  paths: devicePaths({ RUNMESH_HOME: HARD_HOME }, 'darwin', '/Users/a'),
  config: { drainMs: 20_000 },
  platform: 'darwin',
  env: { RUNMESH_HOME: HARD_HOME, ANTHROPIC_API_KEY: 'sk-secret', PATH: '/home/me/.nvm/bin' },
  node: { path: '/opt/homebrew/opt/node/bin/node', options: ['--disable-sigusr1'] },
  program: `${HARD_HOME}/dist/cli/main.js`,
};
const run = createRunCommand(process.env);

describe('the property list', () => {
  it('says to a real parser exactly what was meant', () => {
    const text = renderPlist(defineService(PARTS), 'Aqua');
    expect(parse(text)).toEqual({
      Label: 'ai.runmesh.agent',
      ProgramArguments: [
        '/opt/homebrew/opt/node/bin/node',
        '--disable-sigusr1',
        `${HARD_HOME}/dist/cli/main.js`,
        'daemon',
      ],
      EnvironmentVariables: {
        PATH: '/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
        LANG: 'en_US.UTF-8',
        RUNMESH_SERVICE: 'ai.runmesh.agent',
        RUNMESH_HOME: HARD_HOME,
      },
      WorkingDirectory: HARD_HOME,
      LimitLoadToSessionType: 'Aqua',
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 10,
      ExitTimeOut: 45,
      ProcessType: 'Interactive',
      LowPriorityIO: false,
      Umask: 0o077,
      StandardOutPath: `${HARD_HOME}/logs/service.log`,
      StandardErrorPath: `${HARD_HOME}/logs/service.log`,
    });
    expect(readPlist(text)).toMatchObject({
      command: defineService(PARTS).command,
      folder: HARD_HOME,
    });
  });

  const plutil = execaSync('plistutil', ['--version'], { reject: false }).exitCode === 0;
  it.skipIf(!plutil)(`is read by plistutil${plutil ? '' : ' (skipped: no plistutil here)'}`, () => {
    const dir = tempDir();
    // It exits with 0 whatever happens: only what it wrote counts. To binary and back, so that it has understood it.
    const understood = (name: string, text: string): unknown => {
      const [xml, binary, back] = ['xml', 'binary', 'back'].map((form) => join(dir, `${name}.${form}`));
      writeFileSync(String(xml), text);
      execaSync('plistutil', ['-i', String(xml), '-o', String(binary), '-f', 'bin'], { reject: false });
      if (!existsSync(String(binary))) return undefined;
      execaSync('plistutil', ['-i', String(binary), '-o', String(back), '-f', 'xml'], { reject: false });
      return parse(readFileSync(String(back), 'utf8'));
    };
    const text = renderPlist(defineService(PARTS), 'Background');
    expect(understood('good', text)).toEqual(parse(text));
    expect(understood('bad', text.replace('</dict>', ''))).toBeUndefined();
  });

  it('gives the daemon more time to end than its drain takes', () => {
    expect(defineService({ ...PARTS, config: { drainMs: 0 } }).exitTimeOutSeconds).toBe(45);
    expect(defineService({ ...PARTS, config: { drainMs: 60_000 } }).exitTimeOutSeconds).toBe(85);
  });

  it('takes no value that a line end could turn into another setting', () => {
    const program = '/opt/x\nEnvironment="LD_PRELOAD=/tmp/evil.so"';
    expect(() => defineService({ ...PARTS, program })).toThrow(/control character/);
  });
});

describe('the systemd unit', () => {
  it('can be read back as it was meant', () => {
    const definition = defineService({ ...PARTS, platform: 'linux' });
    expect(readUnit(renderUnit(definition))).toMatchObject({
      command: definition.command,
      folder: HARD_HOME,
    });
  });

  const systemd = execaSync('systemd-analyze', ['--version'], { reject: false }).exitCode === 0;
  it.skipIf(!systemd)(
    `passes systemd's own check${systemd ? '' : ' (skipped: no systemd-analyze here)'}`,
    () => {
      const dir = tempDir();
      // Its check wants a program that is there.
      const node = join(dir, 'a $c 100%', 'node');
      mkdirSync(join(dir, 'a $c 100%'));
      cpSync('/bin/true', node);
      const verify = (text: string) => {
        writeFileSync(join(dir, 'runmesh-agent.service'), text);
        const env = { XDG_RUNTIME_DIR: dir, HOME: dir };
        const args = ['verify', '--user', '--man=no', join(dir, 'runmesh-agent.service')];
        return execaSync('systemd-analyze', args, { env, reject: false }).stderr;
      };
      const text = renderUnit(
        defineService({ ...PARTS, platform: 'linux', node: { path: node, options: [] } }),
      );
      expect(verify(text)).toBe('');
      expect(verify(text.replace('Restart=on-failure', 'Restart=sometimes'))).toContain('sometimes');
    },
  );
});

describe('the Node that the service runs', () => {
  it('gets the inspector option only where this very Node knows it', async () => {
    const { options } = await findNode(process.execPath, run);
    const known =
      execaSync(process.execPath, ['--disable-sigusr1', '--eval', '0'], { reject: false }).exitCode === 0;
    expect(options).toEqual(known ? ['--disable-sigusr1'] : []);
    const knowing = join(tempDir(), 'node');
    cpSync('/bin/true', knowing);
    expect(await findNode(knowing, run)).toEqual({ path: knowing, options: ['--disable-sigusr1'] });
  });

  it('is named by Homebrew’s link that an upgrade keeps, where that leads to the same binary', async () => {
    const brew = tempDir();
    const cellar = join(brew, 'Cellar', 'node@22', '22.1.0');
    mkdirSync(join(cellar, 'bin'), { recursive: true });
    cpSync('/bin/true', join(cellar, 'bin', 'node'));
    mkdirSync(join(brew, 'opt'));
    expect((await findNode(join(cellar, 'bin', 'node'), run)).path).toBe(join(cellar, 'bin', 'node'));
    symlinkSync(cellar, join(brew, 'opt', 'node@22'));
    expect((await findNode(join(cellar, 'bin', 'node'), run)).path).toBe(join(brew, 'opt/node@22/bin/node'));
  });

  it('is never a script that looks for one', async () => {
    const shim = join(tempDir(), 'node');
    writeFileSync(shim, '#!/usr/bin/env bash\nexec node "$@"\n');
    chmodSync(shim, 0o755);
    await expect(findNode(shim, run)).rejects.toMatchObject({ code: 'node_is_a_script' });
  });
});
