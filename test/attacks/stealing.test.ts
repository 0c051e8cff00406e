import { existsSync, mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { allowedAgentEnvironment, commandEnvironment } from '../../src/guard/environment.ts';
import { attack, refusesAll, type Scene, SECRET } from './harness.ts';

const commands = true;

/** A socket of a program of the owner's, which counts who comes. */
async function listen(path: string): Promise<{ server: Server; visits: () => number }> {
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.end(SECRET);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return { server, visits: () => visits };
}

const connectUnix = (path: string) =>
  `python3 -c "
import socket
s = socket.socket(socket.AF_UNIX)
s.connect('${path}')
print(s.recv(100).decode())"`;

const STORES = [
  '.ssh/id_ed25519',
  '.aws/credentials',
  '.config/gh/hosts.yml',
  '.kube/config',
  '.docker/config.json',
  '.gnupg/private-keys-v1.d/key',
  '.netrc',
  '.npmrc',
  '.bash_history',
  '.zsh_history',
  '.config/google-chrome/Default/Cookies',
  '.mozilla/firefox/p.default/logins.json',
];

const allOf = ({ home, state }: Scene) => [
  ...STORES.map((path) => join(home, path)),
  ...['journal.db', 'config.json', 'secrets.json', 'logs/daemon.log'].map((path) => join(state, path)),
];

describe('secrets of the machine are not read', () => {
  attack(
    '43 from the environment, its own, its parent’s or the daemon’s',
    { commands },
    async ({ shell }) => {
      const { output } = await shell(
        `env; cat /proc/*/environ /proc/${process.pid}/environ 2>&1 | tr "\\0" "\\n"; ps eww; cat /proc/$PPID/environ | tr "\\0" "\\n"`,
        { more: { max_output_tokens: 1_000_000 } },
      );
      expect(output).not.toContain(SECRET);
      expect(output).not.toMatch(/SSH_AUTH_SOCK|RUNTOOLS|ANTHROPIC|PROXY=/);
    },
  );

  attack('43 from the memory and the open files of other processes', { commands }, (scene) =>
    refusesAll(scene, [
      `cat /proc/${process.pid}/maps`,
      `ls /proc/${process.pid}/fd`,
      `cat /proc/${process.ppid}/cmdline`,
      'ls /proc | grep -c "^[0-9]*$" | grep -E "[0-9]{3}"',
    ]),
  );

  attack('44 by variables of an agent that load code or lead elsewhere', { commands }, async ({ shell }) => {
    const hostile = {
      LD_PRELOAD: '/tmp/evil.so',
      DYLD_INSERT_LIBRARIES: '/tmp/evil.dylib',
      NODE_OPTIONS: '--require /tmp/evil.js',
      BASH_ENV: '/tmp/evil.sh',
      ENV: '/tmp/evil.sh',
      GIT_SSH_COMMAND: 'evil',
      GIT_CONFIG_COUNT: '1',
      PERL5OPT: '-Mevil',
      PERL5LIB: '/tmp/evil',
      PYTHONSTARTUP: '/tmp/evil.py',
      PYTHONPATH: '/tmp/evil',
      RUBYOPT: '-revil',
      JAVA_TOOL_OPTIONS: '-javaagent:evil',
      GCONV_PATH: '/tmp/evil',
      GLIBC_TUNABLES: 'evil',
      SHELLOPTS: 'xtrace',
      PS4: '$(evil)',
      IFS: 'x',
      CDPATH: '/tmp',
      PROMPT_COMMAND: 'evil',
      LESSOPEN: '|evil %s',
      EDITOR: 'evil',
      PAGER: 'evil',
      npm_config_script_shell: '/tmp/evil',
      NPM_CONFIG_NODE_OPTIONS: '--require /tmp/evil.js',
      HOME: '/tmp/evil',
      SHELL: '/tmp/evil',
      TMPDIR: '/tmp/evil',
      RUNMESH_HOME: '/tmp/evil',
      RUNMESH_SESSION: 'another/1',
      RUNMESH_COMMAND: 'touch /tmp/evil',
      RUNTOOLS_API_URL: 'http://evil',
      HTTPS_PROXY: 'http://evil',
      https_proxy: 'http://evil',
      'BASH_FUNC_ls%%': '() { evil; }',
    };
    const allowed = allowedAgentEnvironment(hostile, Object.keys(hostile));
    expect(Object.values(allowed).filter((value) => value.includes('evil'))).toEqual([]);
    const { output, code } = await shell('env; perl -e 1; python3 -c 1; bash -c true; git --version', {
      env: allowed,
    });
    expect(code).toBe(0);
    expect(output).not.toContain('evil');
    expect(output).not.toContain('another/1');
  });

  attack(
    '44 by a variable that would bend what makes the sandbox',
    { commands },
    async ({ shell, outside }) => {
      // Were one let through by the owner's list, it would still wait until it is inside.
      const env = { ...commandEnvironment({ own: {}, agent: {}, interactive: false, temporary: '/tmp' }) };
      const { output } = await shell('echo ran', {
        env: {
          ...env,
          LD_PRELOAD: `${outside}/evil.so`,
          PATH: outside,
          BASH_ENV: `${outside}/evil.sh`,
          X: "'; touch /tmp/evil; '",
        },
      });
      expect(output).toContain('ran');
      expect(existsSync('/tmp/evil')).toBe(false);
    },
  );

  attack(
    '45 from the stores of keys, cookies and typed commands, with a command',
    { commands },
    async (scene) => {
      const files = allOf(scene)
        .map((path) => `'${path}'`)
        .join(' ');
      const { output } = await scene.shell(
        [
          `cat ${files}`,
          `for f in ${files}; do head -c 100 "$f"; dd if="$f" bs=1 count=100; cp "$f" copy && cat copy; ln -s "$f" link && cat link; rm -f copy link; done`,
          `grep -r ${SECRET.slice(0, 6)} ${scene.home} ${scene.state}`,
          `tar c ${scene.home} ${scene.state} | grep -a ${SECRET.slice(0, 6)}`,
          `find ${scene.home} -type f -exec cat {} +`,
        ].join('; '),
        { more: { max_output_tokens: 1_000_000 } },
      );
      expect(output).not.toContain(SECRET);
    },
  );

  attack(
    '45 by changing the stores, so that the owner uses what the attacker put there',
    { commands },
    async (scene) => {
      await scene.shell(
        allOf(scene)
          .map((path) => `echo evil >> '${path}'; rm -f '${path}'; mv '${path}' /tmp`)
          .join('; '),
      );
      await scene.shell(`mkdir -p ${scene.home}/.ssh && echo evil > ${scene.home}/.ssh/authorized_keys`);
      await scene.shell(`mv ${scene.home}/.ssh ${scene.home}/ssh; rm -rf ${scene.state}`);
    },
  );

  attack(
    '45 with file tools, in a workspace that contains them',
    {
      prepare: ({ root, home, workspace }) => {
        Object.assign(workspace, { root: home });
        symlinkSync(join(home, '.ssh'), join(root, 'keys'));
      },
    },
    async (scene) => {
      for (const path of STORES) {
        for (const [name, args] of [
          ['read_file', { path }],
          ['read_file', { path: path.toUpperCase() }],
          ['view_image', { path }],
          ['write_file', { path, content: 'evil' }],
          ['delete_file', { path }],
          ['list_directory', { path: '.ssh' }],
          ['grep', { pattern: 'canary', path }],
          ['apply_patch', { input: `*** Begin Patch\n*** Delete File: ${path}\n*** End Patch` }],
        ] as const) {
          const answer = await scene.tool(name, args);
          expect(answer.isError, `${name} ${path}: ${answer.text}`).toBe(true);
          expect(answer.text).not.toContain(SECRET);
        }
      }
      expect((await scene.tool('grep', { pattern: 'canary' })).text).not.toContain(SECRET);
      expect((await scene.tool('file_search', { pattern: '*ed25519*' })).text).not.toContain('id_ed25519');
      expect((await scene.tool('list_directory', { path: '.', depth: 5 })).text).not.toContain('id_ed25519');
      expect((await scene.tool('read_file', { path: 'project/keys/id_ed25519' })).isError).toBe(true);
    },
  );

  attack(
    '45 by a store that a link leads to',
    {
      commands,
      prepare: ({ home, outside }) => {
        mkdirSync(join(outside, 'dot-azure'));
        writeFileSync(join(outside, 'dot-azure', 'token'), SECRET);
        symlinkSync(join(outside, 'dot-azure'), join(home, '.azure'));
      },
    },
    async ({ shell, home, outside }) => {
      // The policy of the scene was made before the link: a new one sees where the store really is.
      const { output } = await shell(`cat ${home}/.azure/token ${outside}/dot-azure/token`);
      expect(output).not.toContain(SECRET);
    },
  );

  attack('47 by signals to the daemon and to what holds the command', { commands }, async (scene) => {
    await refusesAll(scene, [
      `kill -USR1 ${process.pid}`,
      `kill -STOP ${process.pid}`,
      `kill -0 ${process.ppid}`,
      `gdb -p ${process.pid} -batch`,
      `python3 -c "import os; os.kill(${process.pid}, 0)"`,
    ]);
    await scene.shell('kill -KILL -1; kill -STOP -1');
    await scene.shell('kill -KILL 1');
    expect((await scene.shell('echo still here')).output).toBe('still here\n');
  });

  attack('48 over the daemon’s own door, with every network', { commands }, async (scene) => {
    const door = await listen(join(scene.state, 'daemon.sock'));
    onTestFinished(() => void door.server.close());
    for (const network of ['off', 'on'] as const) {
      const workspace = { ...scene.workspace, policy: { ...scene.workspace.policy, network } };
      const { output } = await scene.shell(connectUnix(join(scene.state, 'daemon.sock')), {
        context: { workspace },
      });
      expect(output).not.toContain(SECRET);
    }
    expect(door.visits()).toBe(0);
    door.server.close();
  });

  attack('48 over a page on this computer’s loopback', { commands }, async (scene) => {
    let visits = 0;
    const server = createServer((socket) => {
      visits += 1;
      socket.end('HTTP/1.0 200 OK\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await refusesAll(
      scene,
      [
        '127.0.0.1',
        'localhost',
        '[::1]',
        '0.0.0.0',
        '127.1',
        '2130706433',
        '0x7f000001',
        '[::ffff:127.0.0.1]',
      ].map((host) => `curl -sS -m 3 http://${host}:${port}/`),
    );
    expect(visits).toBe(0);
  });

  attack('49 by typing into another run’s session', { commands }, async ({ shell, tool }) => {
    const { session } = await shell('read -r line; echo "got $line"', {
      runId: 'run-2',
      more: { yield_time_ms: 250 },
    });
    expect(session).toBeDefined();
    const answer = await tool('write_stdin', { session_id: session, chars: 'evil\n' });
    expect(answer.isError).toBe(true);
    expect(answer.text).toContain('No command is running');
  });

  attack('50 from the agents that sign, decrypt and run for the owner', { commands }, async (scene) => {
    const path = join(scene.outside, 'agent.sock');
    const agent = await listen(path);
    for (const network of ['off', 'on'] as const) {
      const workspace = { ...scene.workspace, policy: { ...scene.workspace.policy, network } };
      const { output, code } = await scene.shell(connectUnix(path), { context: { workspace } });
      expect(code).not.toBe(0);
      expect(output).not.toContain(SECRET);
    }
    expect(agent.visits()).toBe(0);
    agent.server.close();
    if (existsSync(path)) unlinkSync(path);
  });

  attack('50 through a socket of its own, an abstract one, or io_uring', { commands }, (scene) =>
    refusesAll(
      scene,
      [
        `python3 -c "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"`,
        `python3 -c "import socket; s = socket.socket(socket.AF_UNIX); s.connect('\\\\0/tmp/.X11-unix/X0')"`,
        `python3 -c "import ctypes,sys; sys.exit(0 if ctypes.CDLL(None).syscall(425, 8, 0) >= 0 else 1)"`,
        `python3 -c "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)"`,
        `python3 -c "import socket; socket.socket(38, socket.SOCK_SEQPACKET)"`,
      ].slice(0, 3),
    ),
  );

  attack('52 by what a refusal says', {}, async (scene) => {
    for (const path of [`${scene.state}/secrets.json`, '../../state/config.json', '../.netrc']) {
      expect((await scene.tool('read_file', { path })).text).not.toContain(SECRET);
    }
  });

  attack('53 by what the system starts later', { commands }, (scene) =>
    refusesAll(scene, [
      'crontab README.md',
      'echo evil > /etc/cron.d/evil',
      'echo evil > /var/spool/cron/crontabs/root',
      'echo evil > /etc/profile.d/evil.sh',
      'echo evil > /etc/ld.so.preload',
      `mkdir -p ${scene.home}/.config/systemd/user`,
      `mkdir -p ${scene.home}/.config/autostart`,
      `echo evil >> ${scene.home}/.bashrc`,
      `echo evil > ${scene.home}/.zshenv`,
      `echo evil >> ${scene.home}/.gitconfig`,
      `echo evil >> ${scene.home}/.profile`,
      'systemctl --user daemon-reload',
      'echo evil > /etc/systemd/system/evil.service',
    ]),
  );
});

describe('a workspace that is the home itself', () => {
  const choice = { writable: [] };
  attack(
    '53 start-up files are not written, whether they are there or not',
    {
      commands,
      choice,
      prepare: ({ home, workspace }) =>
        Object.assign(workspace, { root: home, policy: { ...workspace.policy, writable: [home] } }),
    },
    async (scene) => {
      const { home } = scene;
      for (const path of [
        '.bashrc',
        '.zshenv',
        '.profile',
        '.gitconfig',
        '.config/systemd/user/evil.service',
        '.config/fish/config.fish',
        '.config/environment.d/evil.conf',
        '.local/bin/ls',
        'bin/ls',
      ]) {
        expect((await scene.tool('write_file', { path, content: 'evil' })).isError, path).toBe(true);
      }
      await refusesAll(scene, [
        `echo evil >> ${home}/.bashrc`,
        `echo evil > ${home}/.zshenv`,
        `echo evil > ${home}/.profile`,
        `mkdir -p ${home}/.config/systemd/user`,
        `mkdir -p ${home}/.local/bin && echo evil > ${home}/.local/bin/ls`,
        `mkdir -p ${home}/bin && echo evil > ${home}/bin/ls`,
        `mv ${home}/.bashrc ${home}/b`,
        `cat ${home}/.ssh/id_ed25519`,
      ]);
      expect(readFileSync(join(home, '.bashrc'), 'utf8')).toBe('# the owner’s\n');
    },
  );
});
