import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { createRedactor } from '../../src/guard/redact.ts';
import { runFolder } from '../../src/guard/run-folder.ts';
import type { SandboxChoice } from '../../src/guard/sandbox-policy.ts';
import type { Workspace } from '../../src/guard/workspaces.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { startLeash } from '../../src/leash/leash-client.ts';
import { createLeashPool, type Denied } from '../../src/leash/leash-pool.ts';
import { startProxyProcess } from '../../src/leash/proxy-client.ts';
import { RunSessions } from '../../src/tools/exec/run-sessions.ts';
import { createToolbox } from '../../src/tools/registry.ts';
import { executeTool } from '../../src/tools/run-tool.ts';
import type { ToolContext, ToolOutput } from '../../src/tools/tool.ts';
import { noSandbox, policyFor } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';
import { contextOf } from '../tools/harness.ts';

/**
 * An owner's computer in a folder: a home with secrets, a repository to work in, other folders that are nobody's business,
 * and this program's own state. What a run does goes through the real toolbox and a real leash.
 */
export interface Scene {
  dir: string;
  home: string;
  /** The workspace: a git repository. */
  root: string;
  /** A folder of the owner's that no run was given. */
  outside: string;
  /** RUNMESH_HOME. */
  state: string;
  workspace: Workspace;
  /** Runs a command as a model would, and answers its output. */
  shell(cmd: string, options?: ShellOptions): Promise<Shown>;
  /** Calls any tool. */
  tool(name: string, args: object): Promise<ToolOutput>;
  /** Ends every command of the scene. */
  endRuns(): Promise<void>;
}

export interface ShellOptions {
  env?: Record<string, string>;
  runId?: string;
  more?: object;
  context?: Partial<ToolContext>;
}

export interface Shown extends ToolOutput {
  output: string;
  /** Exit code; `undefined` while it runs, or where nothing was run. */
  code: number | undefined;
  session: number | undefined;
}

export interface AttackOptions {
  /** What the owner chose. */
  choice?: Partial<SandboxChoice>;
  /** True where commands take part: without a sandbox there is nothing to show. */
  commands?: boolean;
  /** A program that this machine lacks and the attack needs. */
  needs?: string | undefined;
  /** Further things on the owner's computer before the attack. */
  prepare?: (scene: Scene) => void;
  /** Variables of the daemon, besides its keys. */
  environment?: Record<string, string>;
  /** Paths of the scene that the attack may change, as an honest run might: `home/project/notes.txt`. */
  mayChange?: string[];
  timeout?: number;
}

/** One attack. It asserts what is refused; that nothing of the owner's changed is asserted here, for every attack. */
export function attack(
  name: string,
  options: AttackOptions,
  act: (scene: Scene) => Promise<void> | void,
): void {
  const missing = (options.commands === true ? noSandbox : undefined) ?? options.needs;
  if (missing !== undefined) {
    it.skip(`${name} [not here: ${missing}]`, () => {});
    return;
  }
  it(name, { timeout: options.timeout ?? 60_000 }, async () => {
    const scene = openScene(options);
    options.prepare?.(scene);
    const before = look(scene.dir);
    await act(scene);
    await scene.endRuns();
    const allowed = options.mayChange ?? [];
    const changed = () =>
      differences(before, look(scene.dir)).filter(
        (path) => !allowed.some((one) => path === one || path.startsWith(`${one}/`)),
      );
    // While a sandbox stands, empty folders stand where names are that must not be made.
    await expect.poll(changed, { timeout: 5_000 }).toEqual([]);
  });
}

/** Runs each command by itself, in one shell, and expects each to fail. */
export async function refusesAll({ shell }: Scene, cmds: readonly string[]): Promise<void> {
  const script = cmds.map((cmd, at) => `( ${cmd}\n) >/dev/null 2>&1; echo "${at}=$?"`).join('\n');
  const { output } = await shell(script, { more: { max_output_tokens: 1_000_000 } });
  const codes = new Map(
    [...output.matchAll(/^(\d+)=(\d+)$/gm)].map(([, at, code]) => [Number(at), Number(code)]),
  );
  const went = cmds.filter((_, at) => codes.get(at) === 0 || codes.get(at) === undefined);
  expect(went).toEqual([]);
}

/** What every secret of the scene holds, so that output can be searched for it. */
export const SECRET = 'canary-7f3a9c';

const log = pino({ level: 'silent' });
/** Connections that the proxies refused. */
export const denied: Denied[] = [];
/** The environment of proxies that are started from now on: one process for each list of domains. */
export const outer: { variables: Record<string, string> } = { variables: {} };
const leashes = createLeashPool({
  leash: () => startLeash({ log }),
  proxies: (domains, onDenied) => startProxyProcess(domains, { log, onDenied, outer: outer.variables }),
  newName: systemRandom.uuid,
  onDenied: (one) => void denied.push(one),
});
afterAll(() => leashes.close());

function openScene({ choice, environment }: AttackOptions): Scene {
  const dir = tempDir();
  const [home, state] = [join(dir, 'home'), join(dir, 'state')];
  const [root, outside] = [join(home, 'project'), join(home, 'elsewhere')];
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  for (const folder of FOLDERS) mkdirSync(join(dir, folder), { recursive: true });
  const temporary = runFolder(join(dir, 'temporary'), 'run-1');
  const policy = policyFor(root, choice, { home, temporary, own: [state, join(dir, 'temporary')] });
  const workspace = { name: 'default', root, policy };
  const sessions = new RunSessions(leashes.open, systemRandom, createRedactor([]));
  const toolbox = createToolbox({
    sessions,
    clock: systemClock,
    random: systemRandom,
    environment: { PATH: process.env.PATH, HOME: home, ...DAEMON_SECRETS, ...environment },
    shell: '/bin/bash',
    fetch,
    webSearch: undefined,
  });
  const endRuns = async () => {
    await Promise.all(['run-1', 'run-2'].map((runId) => sessions.endRun(runId)));
  };
  onTestFinished(endRuns);
  const call = (name: string, args: object, context: Partial<ToolContext> = {}) => {
    const [tool] = toolbox.select([name]);
    return executeTool(tool, name, JSON.stringify(args), contextOf(workspace, context));
  };
  return {
    dir,
    home,
    root,
    outside,
    state,
    workspace,
    tool: call,
    endRuns,
    shell: async (cmd, { env = {}, runId = 'run-1', more = {}, context = {} } = {}) => {
      const args = { cmd, login: false, ...more };
      const output = await call('exec_command', args, { runId, agentEnvironment: env, ...context });
      return { ...output, ...readAnswer(output.text) };
    },
  };
}

function readAnswer(text: string): Pick<Shown, 'output' | 'code' | 'session'> {
  const session = /^Process running with session ID (\d+)$/m.exec(text)?.[1];
  const code = /^Process exited with code (\d+)/m.exec(text)?.[1];
  return {
    output: text.split('\nOutput:\n')[1] ?? text,
    session: session === undefined ? undefined : Number(session),
    code: code === undefined ? undefined : Number(code),
  };
}

/** Every path of a folder with its kind, mode and content. The temporary folders of runs are theirs. */
function look(dir: string): Map<string, string> {
  const seen = new Map<string, string>();
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const name = relative(dir, path);
      if (name === 'temporary') continue;
      const stats = lstatSync(path);
      const content =
        stats.size > 1_048_576 ? stats.size : contentOf(path, entry.isSymbolicLink(), entry.isFile());
      seen.set(name, `${stats.mode.toString(8)} ${content}`);
      if (entry.isDirectory()) visit(path);
    }
  };
  visit(dir);
  return seen;
}

function contentOf(path: string, isLink: boolean, isFile: boolean): string {
  if (isLink) return readlinkSync(path);
  return isFile ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => before.get(path) !== after.get(path),
  );
}

const DAEMON_SECRETS = {
  ANTHROPIC_API_KEY: SECRET,
  RUNTOOLS_API_KEY: SECRET,
  GITHUB_TOKEN: SECRET,
  AWS_SECRET_ACCESS_KEY: SECRET,
  SSH_AUTH_SOCK: '/tmp/agent.sock',
  HTTPS_PROXY: `http://user:${SECRET}@proxy.example`,
};

const FILES: Record<string, string> = {
  'home/.ssh/id_ed25519': SECRET,
  'home/.ssh/known_hosts': 'example.com ssh-ed25519 AAAA',
  'home/.aws/credentials': SECRET,
  'home/.config/gh/hosts.yml': SECRET,
  'home/.kube/config': SECRET,
  'home/.docker/config.json': SECRET,
  'home/.gnupg/private-keys-v1.d/key': SECRET,
  'home/.netrc': SECRET,
  'home/.npmrc': SECRET,
  'home/.bash_history': SECRET,
  'home/.zsh_history': SECRET,
  'home/.config/google-chrome/Default/Cookies': SECRET,
  'home/.mozilla/firefox/p.default/logins.json': SECRET,
  'home/.bashrc': '# the owner’s\n',
  'home/.gitconfig': '[user]\n\tname = Owner\n\temail = owner@example.com\n',
  'home/elsewhere/letter.txt': 'a letter\n',
  'home/project-evil/file.txt': 'another project\n',
  'home/project/.git/HEAD': 'ref: refs/heads/main\n',
  'home/project/.git/config': '[core]\n\trepositoryformatversion = 0\n\tbare = false\n',
  'home/project/.git/hooks/pre-commit.sample': '#!/bin/sh\n',
  'home/project/.git/info/exclude': '',
  'home/project/README.md': '# project\n',
  'home/project/src/app.js': 'export const one = 1;\n',
  'state/journal.db': SECRET,
  'state/config.json': `{"note":"${SECRET}"}`,
  'state/secrets.json': SECRET,
  'state/logs/daemon.log': SECRET,
};

const FOLDERS = ['home/project/.git/objects', 'home/project/.git/refs/heads', 'temporary'];
