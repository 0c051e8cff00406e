import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isProtectedName } from '../../src/guard/protected-names.ts';
import { isHidden, isWritable, type SandboxPolicy, sandboxPolicy } from '../../src/guard/sandbox-policy.ts';
import type { SandboxMode, SandboxNetwork, SandboxRequest } from '../../src/protocol/sandbox.ts';

const domains = ['a.com', 'b.a.com', '*.a.com', '*.b.a.com', 'evil.org'];
const mode = fc.constantFrom<SandboxMode>('read-only', 'workspace-write', 'danger-full-access');
const network = fc.oneof(
  fc.constantFrom<SandboxNetwork>('off', 'on'),
  fc.uniqueArray(fc.constantFrom(...domains), { minLength: 1 }),
);

function policyOf(
  choice: { mode: SandboxMode; network: SandboxNetwork },
  asked?: SandboxRequest,
): SandboxPolicy {
  return sandboxPolicy({
    choice: { ...choice, readable: ['/home/o/.npmrc'], writable: ['/cache'] },
    asked,
    workspace: '/home/o/w',
    temporary: '/tmp/r/run_1',
    places: {
      home: '/home/o',
      platform: 'linux',
      own: ['/home/o/.local/state/runmesh', '/tmp/r'],
      program: ['/opt/p'],
    },
    sandboxed: true,
    real: (path) => path,
  });
}

const WIDTH = { 'read-only': 0, 'workspace-write': 1, 'danger-full-access': 2 };

/** Whether a network lets a host through, as the proxies would. */
function reaches(net: SandboxNetwork, host: string): boolean {
  if (typeof net === 'string') return net === 'on';
  return net.some((one) => one === host || (one.startsWith('*.') && host.endsWith(one.slice(1))));
}

describe('a policy', () => {
  it('never gives more than the owner or the asker wanted', () => {
    const asked = fc.record({ mode, network }, { requiredKeys: [] });
    fc.assert(
      fc.property(mode, network, asked, (ownMode, ownNetwork, wish) => {
        const own = policyOf({ mode: ownMode, network: ownNetwork });
        const made = policyOf({ mode: ownMode, network: ownNetwork }, wish as SandboxRequest);
        expect(WIDTH[made.mode]).toBeLessThanOrEqual(WIDTH[own.mode]);
        if (wish.mode) expect(WIDTH[made.mode]).toBeLessThanOrEqual(WIDTH[wish.mode]);
        for (const host of ['a.com', 'b.a.com', 'c.b.a.com', 'x.a.com', 'evil.org', 'other.org']) {
          if (!reaches(made.network, host)) continue;
          expect(reaches(ownNetwork, host)).toBe(true);
          if (wish.network) expect(reaches(wish.network, host)).toBe(true);
        }
        expect(own.writable).toEqual(expect.arrayContaining([...made.writable]));
        expect(made.hidden).toEqual(own.hidden);
        expect(made.protected).toEqual(own.protected);
      }),
    );
  });

  it('lets the deepest rule about a path decide', () => {
    const policy = policyOf({ mode: 'workspace-write', network: 'off' });
    const hidden = (path: string) => isHidden(policy, path);
    expect(
      ['/home/o/.ssh', '/home/o/.ssh/id', '/home/o/.SSH/id', '/tmp/r/run_2/x', '/etc/shadow'].map(hidden),
    ).toEqual(Array.from({ length: 5 }, () => true));
    expect(
      ['/home/o/.npmrc', '/home/o/w/a', '/tmp/r/run_1/x', '/home/o/.sshx', '/home/o'].map(hidden),
    ).toEqual(Array.from({ length: 5 }, () => false));
  });

  it('knows what may be written in each mode', () => {
    const paths = ['/home/o/w/a', '/cache/a', '/tmp/r/run_1/a', '/home/o/a', '/opt/p/a', '/tmp/r/run_2/a'];
    const in_ = (ownMode: SandboxMode) => {
      const policy = policyOf({ mode: ownMode, network: 'off' });
      return paths.map((path) => isWritable(policy, path));
    };
    expect(in_('read-only')).toEqual([false, false, true, false, false, false]);
    expect(in_('workspace-write')).toEqual([true, true, true, false, false, false]);
    expect(in_('danger-full-access')).toEqual(paths.map(() => true));
  });
});

describe('protected names', () => {
  it.each([
    '.git/hooks/x',
    'a/.git/hooks',
    '.GIT/Config',
    '.git',
    'a/.git',
    '.git/modules/a/b/hooks/x',
    '.git/worktrees/w/config.worktree',
    '.git/commondir',
    '.vscode/a',
    'a/b/.idea',
    '.bashrc',
    '.envrc',
    '.gitmodules',
    '.claude/commands/x',
    '.claude/settings.json',
    'a/.cursor/mcp.json',
    '.mcp.json',
    '.g\u200cit/hooks',
  ])('%s is one', (path) => {
    expect(isProtectedName(path)).toBe(true);
  });

  it.each([
    'src/a.js',
    '.git/index',
    '.git/HEAD',
    '.git/refs/heads/config',
    '.git/objects/aa/hooks',
    '.gitignore',
    '.github/workflows/x.yml',
    'git/hooks/x',
    'vscode/a',
    'a.git/config',
    '.env',
    'hooks/x',
    '.git/info/exclude',
  ])('%s is none', (path) => {
    expect(isProtectedName(path)).toBe(false);
  });
});
