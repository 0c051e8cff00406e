import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { protectedPatterns } from '../../src/guard/protected-names.ts';
import { protectedPlaces } from '../../src/guard/protected-places.ts';
import { type SandboxChoice, type SandboxPolicy, sandboxPolicy } from '../../src/guard/sandbox-policy.ts';
import { COMMAND_VARIABLE, makeSandboxLine } from '../../src/leash/sandbox-line.ts';
import { shellText } from '../../src/leash/sandbox-words.ts';
import { tempDir } from '../support/temp.ts';

/** The policy of a Mac's owner, as it would be made there. */
function onMac(choice: Partial<SandboxChoice> = {}, root = '/Users/o/project'): SandboxPolicy {
  return sandboxPolicy({
    choice: { mode: 'workspace-write', network: 'off', readable: [], writable: [], ...choice },
    asked: undefined,
    workspace: root,
    temporary: '/private/tmp/runmesh-x/run_1',
    places: {
      home: '/Users/o',
      platform: 'darwin',
      own: ['/Users/o/Library/Application Support/RunMesh', '/private/tmp/runmesh-x'],
      program: ['/opt/runmesh/dist'],
    },
    sandboxed: true,
    real: (path) => path,
  });
}

/** What `/bin/sh` would start, word for word. */
async function wordsOf(policy: SandboxPolicy, places: readonly string[] = []): Promise<string[]> {
  const never = [...places, ...policy.protected];
  const { line } = await makeSandboxLine(policy, never, undefined, 'darwin');
  const print = line.replace(/^exec /, "printf '%s\\0' ");
  return execFileSync('/bin/sh', ['-c', print], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

type Rule = (string | Rule)[];

/** Reads a Seatbelt profile as the list of its rules, comments left out. Throws where brackets or strings do not close. */
function readProfile(profile: string): Rule[] {
  const tokens = profile.matchAll(/;[^\n]*|"(?:[^"\\]|\\.)*"|#"[^"]*"|[()]|[^\s()"]+/g);
  const stack: Rule[] = [[]];
  for (const [token] of tokens) {
    if (token.startsWith(';')) continue;
    if (token === '(') stack.push([]);
    else if (token === ')') {
      const done = stack.pop();
      stack.at(-1)?.push(done ?? []);
    } else stack.at(-1)?.push(token.startsWith('"') ? JSON.parse(token) : token);
  }
  if (stack.length !== 1) throw new Error('brackets do not close');
  return stack[0] as Rule[];
}

const profileOf = async (policy: SandboxPolicy, places?: readonly string[]) => {
  const words = await wordsOf(policy, places);
  return readProfile(words[words.indexOf('-p') + 1] ?? '');
};

/** The verdict of the last rule about an operation that fits, which is the one that counts. */
function verdict(rules: Rule[], operation: string, path: string): string {
  const about = rules.filter(([, ...operations]) =>
    operations.some((one) => one === operation || one === `${operation.split('-').slice(0, 2).join('-')}*`),
  );
  const fitting = about.filter((rule) => {
    const filters = rule.filter((part): part is Rule => Array.isArray(part) && part[0] !== 'with');
    return filters.length === 0 || filters.some((filter) => fits(filter, path));
  });
  return String(fitting.at(-1)?.[0] ?? 'deny');
}

function fits([kind, ...parts]: Rule, path: string): boolean {
  const [value] = parts;
  if (kind === 'subpath') return path === value || path.startsWith(`${value}/`);
  if (kind === 'literal') return path === value;
  if (kind === 'regex') return new RegExp(String(value)).test(path);
  if (kind === 'require-all') return parts.every((part) => fits(part as Rule, path));
  if (kind === 'require-not') return !fits(value as Rule, path);
  return false;
}

describe('the Seatbelt line', () => {
  it('starts sandbox-exec by absolute paths, with a profile that denies what it does not allow', async () => {
    const words = await wordsOf(onMac());
    expect(words[0]).toBe('/usr/bin/env');
    const at = words.indexOf('/usr/bin/sandbox-exec');
    expect(words.slice(1, at).every((word) => /^[A-Z_a-z]+=/.test(word))).toBe(true);
    expect(words[at + 1]).toBe('-p');
    expect(words.slice(at + 3, at + 5)).toEqual(['/bin/sh', '-c']);
    const [version, standard] = readProfile(words[at + 2] ?? '');
    expect(version).toEqual(['version', '1']);
    expect(standard?.slice(0, 2)).toEqual(['deny', 'default']);
  });

  it('hides every store of secrets and this program’s own state, and nothing of the workspace', async () => {
    const policy = onMac();
    const rules = await profileOf(policy);
    for (const path of policy.hidden.filter((one) => one !== '/private/tmp/runmesh-x')) {
      expect(verdict(rules, 'file-read-data', join(path, 'x')), path).toBe('deny');
    }
    expect(verdict(rules, 'file-read-data', '/Users/o/Library/Keychains/login.keychain-db')).toBe('deny');
    expect(verdict(rules, 'file-read-data', '/private/tmp/runmesh-x/run_2/notes')).toBe('deny');
    for (const path of [
      '/Users/o/project/a',
      '/private/tmp/runmesh-x/run_1/a',
      '/usr/bin/git',
      '/Users/o/other',
    ]) {
      expect(verdict(rules, 'file-read-data', path), path).toBe('allow');
    }
  });

  it('lets write in the workspace and the temporary folder alone, and there no name that runs later', async () => {
    const rules = await profileOf(onMac());
    for (const path of [
      '/Users/o/project/src/a.js',
      '/Users/o/project/.git/index',
      '/private/tmp/runmesh-x/run_1/a',
    ]) {
      expect(verdict(rules, 'file-write-data', path), path).toBe('allow');
    }
    const denied = [
      '/Users/o/other/a',
      '/etc/a',
      '/private/tmp/a',
      '/Users/o/Library/LaunchAgents/evil.plist',
      '/Users/o/.zshrc',
      ...[
        '.git/hooks/pre-commit',
        '.git/config',
        '.git/commondir',
        'deep/er/.git/hooks/x',
        '.git/modules/m/config',
        '.vscode/tasks.json',
        'sub/.idea/x',
        '.zshrc',
        '.mcp.json',
        '.gitmodules',
      ].map((name) => `/Users/o/project/${name}`),
    ];
    for (const path of denied) expect(verdict(rules, 'file-write-data', path), path).toBe('deny');
  });

  it('denies a folder of hooks that is not there yet by its own name', async () => {
    const root = tempDir();
    mkdirSync(join(root, '.git'));
    writeFileSync(join(root, '.git', 'config'), '[core]\n\thooksPath = tools/hooks\n');
    const rules = await profileOf(onMac({}, root), protectedPlaces(root));
    for (const path of ['tools/hooks', 'tools/hooks/pre-commit', '.git/hooks/pre-commit'])
      expect(verdict(rules, 'file-write-data', join(root, path)), path).toBe('deny');
    expect(verdict(rules, 'file-write-data', join(root, 'notes'))).toBe('allow');
  });

  it('lets write nothing but temporary files when it only reads', async () => {
    const rules = await profileOf(onMac({ mode: 'read-only' }));
    expect(verdict(rules, 'file-write-data', '/Users/o/project/src/a.js')).toBe('deny');
    expect(verdict(rules, 'file-write-data', '/private/tmp/runmesh-x/run_1/a')).toBe('allow');
  });

  it('has no network rule when the network is off', async () => {
    const rules = await profileOf(onMac());
    expect(rules.filter((rule) => rule.some((part) => String(part).startsWith('network')))).toEqual([]);
  });

  it('opens the whole network but for our door and the owner’s agents', async () => {
    const rules = await profileOf(onMac({ network: 'on' }, "/Users/o/it's [here]"));
    const about = rules.filter((rule) => rule.some((part) => String(part).startsWith('network')));
    expect(about[0]).toEqual(['allow', 'network*']);
    const closed = about.slice(1).map((rule) => JSON.stringify(rule));
    for (const path of [
      '/Users/o/Library/Application Support/RunMesh',
      '/Users/o/.gnupg',
      '/private/tmp/com.apple.launchd',
      '/var/run/docker.sock',
    ]) {
      expect(closed).toContain(
        JSON.stringify(['deny', 'network-outbound', ['remote', 'unix-socket', ['subpath', path]]]),
      );
    }
  });

  it('runs the command that waits in the variable, with its words, variables and temporary folder', async () => {
    const words = await wordsOf(onMac());
    const inside = words.at(-1) ?? '';
    const cwd = tempDir();
    const command = shellText(
      ['/bin/sh', '-c', 'printf "%s|" "$TMPDIR" "$A" "$0" "$@"', "it's", 'a b', '$(x)\n"'],
      {
        A: "o'k $B",
        'B;touch x': 'no',
      },
    );
    const output = execFileSync('/bin/sh', ['-c', inside], {
      cwd,
      encoding: 'utf8',
      env: { [COMMAND_VARIABLE]: command },
    });
    expect(output).toBe(`/private/tmp/runmesh-x/run_1|o'k $B|it's|a b|$(x)\n"|`);
  });

  it('names every protected name once at the top and once at any depth', () => {
    expect(protectedPatterns('/w')).toContain('/w/.git/hooks');
    expect(protectedPatterns('/w')).toContain('/w/**/.git/hooks');
  });
});
