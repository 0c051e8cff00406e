import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRunWorkspaces, whyNoRunIn } from '../../src/daemon/run-workspace.ts';
import { deviceConfig } from '../../src/device/config-schema.ts';
import { devicePaths } from '../../src/device/paths.ts';
import { tempDir } from '../support/temp.ts';

/** A device whose owner wrote this into `sandbox`, and whose machine has a sandbox or says why not. */
function device(sandbox: object = {}, why: () => string | undefined = () => undefined) {
  const home = tempDir();
  const root = join(home, 'project');
  mkdirSync(root);
  const config = deviceConfig.parse({ workspaces: { default: root }, sandbox });
  const paths = devicePaths({ RUNMESH_HOME: join(home, 'state'), TMPDIR: home }, 'linux', home);
  const places = { config, paths, homedir: home, platform: 'linux' as const, program: [] };
  const workspaceOf = createRunWorkspaces(places, why);
  return {
    home,
    root,
    config,
    paths,
    whyNone: () => whyNoRunIn(places, 'default'),
    policy: (metadata: Record<string, never> | object = {}, runId = 'run_1') =>
      workspaceOf({ runId, metadata: metadata as Record<string, never> }).policy,
  };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('the policy of a run', () => {
  it('writes in the workspace and a temporary folder of its own, reads no store of secrets and has no network', () => {
    const { policy, root, home, paths } = device();
    const made = policy();
    expect(made).toMatchObject({
      mode: 'workspace-write',
      network: 'off',
      sandboxed: true,
      writable: [root],
    });
    expect(made.temporary).toBe(join(paths.temporary, 'run_1'));
    for (const path of [join(home, '.ssh'), join(home, '.aws'), paths.home, paths.socket, paths.temporary]) {
      expect(made.hidden).toContain(path);
    }
  });

  it('is none where the workspace is this program’s own state, by its name or by a link', () => {
    const { policy, config, paths, home } = device();
    mkdirSync(join(paths.home, 'inside'), { recursive: true });
    symlinkSync(paths.home, join(home, 'link'));
    for (const folder of [paths.home, join(paths.home, 'inside'), join(home, 'link')]) {
      config.workspaces.default = folder;
      expect(() => policy()).toThrow(code('workspace_missing'));
    }
  });

  it('is none where no run may change anything, unless it only reads or is not confined', () => {
    const { policy, config, home, whyNone } = device();
    for (const folder of ['bin', '.local/bin/tool', '.cargo/bin']) {
      config.workspaces.default = join(home, folder);
      mkdirSync(config.workspaces.default, { recursive: true });
      expect(() => policy()).toThrow(code('workspace_missing'));
      expect(whyNone()).toContain('a run there could change nothing');
    }
    expect(policy({ sandbox: { mode: 'read-only' } }).mode).toBe('read-only');
    config.sandbox.mode = 'danger-full-access';
    expect(policy().mode).toBe('danger-full-access');
    expect(whyNone()).toBeUndefined();
  });

  it('is what the owner chose, paths from the home included', () => {
    const { policy, home } = device({
      network: ['api.example.com'],
      readable: ['~/.npmrc'],
      writable: ['~/cache', '/opt/x'],
    });
    const made = policy();
    expect(made.network).toEqual(['api.example.com']);
    expect(made.readable).toContain(join(home, '.npmrc'));
    expect(made.writable.slice(1)).toEqual([join(home, 'cache'), '/opt/x']);
  });

  it('is narrowed by what the run asks for, and never widened', () => {
    const { policy } = device({ network: ['*.example.com'] });
    expect(policy({ sandbox: { mode: 'read-only' } })).toMatchObject({ mode: 'read-only', writable: [] });
    expect(policy({ sandbox: { network: ['a.example.com', 'evil.org'] } }).network).toEqual([
      'a.example.com',
    ]);
    expect(policy({ sandbox: { network: ['evil.org'] } }).network).toBe('off');
    expect(policy({ sandbox: { mode: 'danger-full-access', network: 'on' } })).toMatchObject({
      mode: 'workspace-write',
      network: ['*.example.com'],
      sandboxed: true,
    });
  });

  it.each([
    'read-only',
    { mode: 'nothing' },
    { readable: ['/'] },
    { network: [] },
    { network: ['*'] },
    { network: ['127.0.0.1'] },
    { network: 'ON' },
    null,
  ])('fails the run rather than take a wish it does not understand: %j', (sandbox) => {
    expect(() => device().policy({ sandbox })).toThrow(code('sandbox_invalid'));
  });

  it('is no policy at all where the machine has no sandbox, said with what to do', () => {
    const { policy } = device({}, () => 'bubblewrap is not installed.');
    expect(() => policy()).toThrow(code('sandbox_unavailable'));
    expect(() => policy()).toThrow(/bubblewrap is not installed.*sandbox\.unavailable/);
  });

  it('lets commands run as the owner where there is no sandbox, when the owner says so; the file tools keep the rules', () => {
    const { policy, root } = device({ unavailable: 'run-unsandboxed' }, () => 'none');
    expect(policy()).toMatchObject({ mode: 'workspace-write', sandboxed: false, writable: [root] });
  });

  it('asks for no sandbox when the owner wants none, and again where one was missing', () => {
    expect(device({ mode: 'danger-full-access' }, () => 'none').policy()).toMatchObject({ sandboxed: false });
    let why: string | undefined = 'not yet installed';
    const { policy } = device({}, () => why);
    expect(() => policy()).toThrow(code('sandbox_unavailable'));
    why = undefined;
    expect(policy().sandboxed).toBe(true);
  });

  it('goes by a config that was changed meanwhile', () => {
    const { policy, config } = device();
    config.sandbox.mode = 'read-only';
    expect(policy().mode).toBe('read-only');
  });

  it('hides a store where it is and where a link says it is', () => {
    const { policy, home } = device();
    mkdirSync(join(home, 'dotfiles'));
    symlinkSync('dotfiles', join(home, '.gnupg'));
    expect(policy().hidden).toEqual(expect.arrayContaining([join(home, '.gnupg'), join(home, 'dotfiles')]));
  });

  it.each(['../../etc', 'a/b', '..', '.', 'run 1', 'x'.repeat(101)])(
    'keeps the temporary folder of run %j among the others',
    (runId) => {
      const { policy, paths } = device();
      const { temporary } = policy({}, runId);
      expect(join(temporary, '..')).toBe(paths.temporary);
      expect(temporary).toMatch(/\/[0-9a-f]{64}$/);
    },
  );

  it.each([
    ['sandbox.mode', { mode: 'full' }],
    ['sandbox.network', { network: ['https://example.com'] }],
    ['sandbox.network.0', { network: ['*.com'] }],
    ['sandbox.writable.0', { writable: ['relative'] }],
    ['sandbox.writable.0', { writable: ['/w/*'] }],
    ['sandbox', { wriatble: [] }],
  ])('does not take %s as %j', (_, sandbox) => {
    expect(deviceConfig.safeParse({ sandbox }).success).toBe(false);
  });
});
