// What the sandbox refuses on this machine, tried for real: `node scripts/verify-sandbox.mjs`. Prints a line for each case and
// exits with 1 when something that must be refused was not, or something that must work did not. Numbers are those of
// test/attacks. On a Mac these cases show what no other system can: Seatbelt, the Keychain, Launch Services, launchd.
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const compiled = (path) => import(new URL(`../build/${path}`, import.meta.url));
const { startLeash } = await compiled('leash/leash-client.js');
const { whyNoSandbox } = await compiled('leash/sandbox-probe.js');
const { sandboxPolicy } = await compiled('guard/sandbox-policy.js');
const { realAsFarAsThere } = await compiled('guard/paths.js');

const why = whyNoSandbox(process.platform);
if (why !== undefined) throw new Error(why);
const mac = process.platform === 'darwin';
const dir = realpathSync(mkdtempSync(join(tmpdir(), 'runmesh-verify-')));
const workspace = join(dir, 'workspace');
const temporary = join(dir, 'temporary');
for (const folder of [workspace, temporary, join(workspace, '.git', 'hooks')])
  mkdirSync(folder, { recursive: true });
writeFileSync(join(workspace, '.git', 'config'), '[core]\n');
const policyOf = (network) =>
  sandboxPolicy({
    choice: { mode: 'workspace-write', network, readable: [], writable: [] },
    asked: undefined,
    workspace,
    temporary,
    places: { home: homedir(), platform: process.platform, own: [join(dir, 'state')], program: [] },
    sandboxed: true,
    real: realAsFarAsThere,
  });
const keytar = fileURLToPath(new URL('../node_modules/keytar', import.meta.url));
const node = JSON.stringify(process.execPath);
const label = `dev.runmesh.verify.${process.pid}`;

const leash = await startLeash({
  log: { info() {}, warn: (fields) => console.error(fields) },
  temporary: dir,
});
let failed = 0;

async function run(cmd, network = 'off', type = undefined) {
  const session = await leash.open({
    file: '/bin/bash',
    args: ['-c', cmd],
    cwd: workspace,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: homedir(), TERM: 'dumb' },
    mark: `verify/${Math.random()}`,
    owner: 'verify',
    policy: policyOf(network),
    columns: 120,
    rows: 40,
  });
  let output = '';
  session.onOutput((text) => {
    output += text;
  });
  session.release();
  if (type !== undefined) setTimeout(() => session.write(type), 1_000);
  const timer = setTimeout(() => session.end(), 20_000);
  const exit = await session.exited;
  clearTimeout(timer);
  await session.end();
  return { code: exit.exitCode ?? 128 + (exit.signal ?? 0), output: output.trim() };
}

function tell(name, ok, shown) {
  console.log(`${ok ? 'pass ' : 'FAIL '} ${name}${ok ? '' : `: ${shown.slice(-300)}`}`);
  if (!ok) failed = 1;
}

async function works(name, cmd, expected, network, type) {
  const { code, output } = await run(cmd, network, type);
  tell(name, code === 0 && output.includes(expected), `${code} ${output}`);
}

async function refused(name, cmd, network) {
  const { code, output } = await run(`${cmd} && echo WENT-THROUGH`, network);
  tell(name, !output.includes('WENT-THROUGH'), `${code} ${output}`);
}

await works('a command runs and writes in its workspace', 'echo hello > a && cat a', 'hello');
await works('it has its own temporary folder', 'echo x > "$TMPDIR/x" && echo "$TMPDIR"', temporary);
await works('it has its terminal', 'tty && stty size', '40 120');
await works(
  'Ctrl-C reaches the command, and it alone',
  'trap "echo heard; exit 0" INT; for i in 1 2 3 4 5 6 7 8; do sleep 0.5; done',
  'heard',
  'off',
  '\u0003',
);
await refused('2 a file beside the workspace', `echo evil > ${dir}/evil`);
await refused('2 a file in the home', 'echo evil > ~/runmesh-verify-evil');
await refused(
  '8 the hooks by another case',
  'echo evil > .GIT/hooks/pre-commit && test -e .git/hooks/pre-commit',
);
await refused(
  '9 the hooks with a character that is ignored',
  'echo evil > ".g$(printf "\\342\\200\\214")it/hooks/x" && test -e .git/hooks/x',
);
for (const file of ['.claude/settings.json', '.cursor/mcp.json', '.codex/config.toml', '.vscode/tasks.json'])
  await refused(`18 ${file}`, `mkdir -p ${file.split('/')[0]} && echo evil > ${file}`);
// The script is started with 9 open: see verify-on-mac.sh.
await refused('own: what was open when the daemon was started', 'echo evil >&9');
await refused('20 a git hook', 'echo evil > .git/hooks/pre-commit');
await refused('21 git’s config', 'git config core.fsmonitor ./evil');
for (const store of [
  '.ssh',
  '.aws',
  '.netrc',
  '.npmrc',
  '.zsh_history',
  'Library/Keychains',
  'Library/Safari',
  'Library/Messages',
]) {
  if (existsSync(join(homedir(), store)))
    await refused(`45 ~/${store}`, `cat ~/${store} ~/${store}/* 2>/dev/null | grep -q .`);
}
await refused('55 the network, when it is off', 'curl -sS -m 5 https://example.com -o /dev/null');
await refused('47 a signal to another process of the owner', `kill -0 ${process.pid}`);
if (mac) {
  // By path alone, as on Linux, this one cannot be refused.
  await refused(
    '23 a repository in a folder further in',
    'mkdir -p sub && git init -q sub && git -C sub config core.fsmonitor ./evil',
  );
  await refused('10 a file by the other name of its volume', `echo evil > /System/Volumes/Data${dir}/evil`);
  await refused('46 the Keychain by `security`', 'security find-generic-password -s RunMesh');
  await refused('46 the Keychain by `security`, dumped', 'security dump-keychain | grep -q keychain');
  await refused(
    '46 the Keychain by this very Node, which its items trust',
    `${node} -e 'require(${JSON.stringify(keytar)}).findCredentials("RunMesh").then((found) => process.exit(found.length > 0 ? 0 : 1), () => process.exit(1))'`,
  );
  for (const network of ['off', 'on']) {
    await refused(
      `50 the ssh agent, network ${network}`,
      `SSH_AUTH_SOCK=${JSON.stringify(process.env.SSH_AUTH_SOCK ?? '')} ssh-add -l`,
      network,
    );
    await refused(
      `50 Docker, network ${network}`,
      'curl -sS -m 3 --unix-socket /var/run/docker.sock http://d/version',
      network,
    );
  }
  await refused('53 `open`', 'open -g -a TextEdit');
  await refused('53 `osascript`', `osascript -e 'tell application "Finder" to get name of startup disk'`);
  await refused(
    '53 `launchctl submit`',
    `launchctl submit -l ${label} -- /usr/bin/true && launchctl list ${label}`,
  );
  await refused(
    '53 `launchctl setenv`',
    'launchctl setenv RUNMESH_VERIFY evil && test "$(launchctl getenv RUNMESH_VERIFY)" = evil',
  );
  await refused('53 a LaunchAgent', `echo evil > ~/Library/LaunchAgents/${label}.plist`);
  await refused('53 `crontab`', 'echo "# runmesh verify" | crontab -');
  await refused('53 `at`', 'echo true | at now + 1 minute');
  await refused(
    '53 `defaults write`',
    `defaults write ${label} evil yes && sleep 1 && test -e ~/Library/Preferences/${label}.plist`,
  );
  await refused(
    '53 a login item',
    `osascript -e 'tell application "System Events" to make login item at end with properties {path:"/Applications/Safari.app"}'`,
  );
  await refused(
    '47 another process’s memory',
    `lldb -p ${process.pid} --batch -o quit 2>&1 | grep -q stopped`,
  );
}
await leash.close();
rmSync(dir, { recursive: true, force: true });
process.exit(failed);
