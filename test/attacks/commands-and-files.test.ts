import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { attack, SECRET } from './harness.ts';

const commands = true;

describe('commands stay in the folders they were given', () => {
  attack('A1 climb out of the workspace with ..', { commands }, async ({ shell }) => {
    const { code } = await shell('echo evil > ../elsewhere/letter.txt');
    expect(code).not.toBe(0);
    expect((await shell('rm -rf ../elsewhere')).code).not.toBe(0);
  });

  attack(
    'A2 write to absolute paths of the system and of the home',
    { commands },
    async ({ shell, home }) => {
      for (const path of ['/etc/evil', '/usr/local/bin/evil', '/tmp/runmesh-evil', `${home}/evil`]) {
        expect((await shell(`echo evil > ${path}`)).code, path).not.toBe(0);
      }
    },
  );

  attack(
    'A3 write through a link out of the workspace',
    {
      commands,
      prepare: ({ root, outside }) => symlinkSync(join(outside, 'letter.txt'), join(root, 'link')),
    },
    async ({ shell }) => {
      expect((await shell('echo evil > link')).code).not.toBe(0);
    },
  );

  attack('A7 write to a folder whose name begins like the workspace’s', { commands }, async ({ shell }) => {
    expect((await shell('echo evil > ../project-evil/file.txt')).code).not.toBe(0);
  });
});

describe('a repository cannot be made to run something later', () => {
  attack('B20 write a git hook', { commands }, async ({ shell }) => {
    for (const cmd of [
      'echo evil > .git/hooks/pre-commit',
      'mv .git/hooks .git/h2 && mkdir .git/hooks',
      'mv .git .g2 && mkdir -p .git/hooks',
      'rm -rf .git/hooks',
      'mount --bind /tmp .git/hooks',
      'umount .git/hooks && echo evil > .git/hooks/pre-commit',
      'chmod 777 .git/hooks && echo evil > .git/hooks/pre-commit',
    ]) {
      expect((await shell(cmd)).code, cmd).not.toBe(0);
    }
  });

  attack('B21 set what git runs in the repository’s config', { commands }, async ({ shell }) => {
    for (const key of [
      'core.fsmonitor',
      'core.hooksPath',
      'core.pager',
      'core.sshCommand',
      'credential.helper',
      'filter.x.clean',
      'diff.external',
      'include.path',
    ]) {
      expect((await shell(`git config ${key} ./evil.sh`)).code, key).not.toBe(0);
    }
    expect((await shell('printf "[core]\\n\\tfsmonitor=./evil.sh\\n" >> .git/config')).code).not.toBe(0);
    expect((await shell('cp .git/config c && mv c .git/config; s=$?; rm -f c; exit $s')).code).not.toBe(0);
  });

  attack('A18 make an editor’s folder that was not there', { commands }, async ({ shell }) => {
    for (const folder of ['.vscode', '.idea', '.claude/commands']) {
      expect((await shell(`mkdir -p ${folder} && echo evil > ${folder}/tasks.json`)).code, folder).not.toBe(
        0,
      );
    }
  });
});

describe('secrets of the machine are not readable', () => {
  attack(
    'D45 read the stores of keys, cookies and typed commands',
    { commands },
    async ({ shell, home, state }) => {
      const paths = [
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
      ].map((path) => join(home, path));
      for (const path of [
        ...paths,
        `${state}/journal.db`,
        `${state}/config.json`,
        `${state}/secrets.json`,
        `${state}/logs/daemon.log`,
      ]) {
        expect((await shell(`cat '${path}'; ls -la '${path}'`)).output, path).not.toContain(SECRET);
      }
      expect((await shell(`grep -r ${SECRET} ${home} ${state} 2>/dev/null`)).output).not.toContain(
        'credentials',
      );
    },
  );

  attack(
    'D43 find the daemon’s keys in the environment, its own or another’s',
    { commands },
    async ({ shell }) => {
      const { output } = await shell('env; cat /proc/*/environ | tr "\\0" "\\n"; ps eww');
      expect(output).not.toContain(SECRET);
      expect(output).not.toMatch(/SSH_AUTH_SOCK|RUNTOOLS|ANTHROPIC/);
    },
  );

  attack('D50 speak to the agents that sign for the owner', { commands }, async ({ shell }) => {
    const { output } = await shell('python3 -c "import socket; socket.socket(socket.AF_UNIX)" 2>&1');
    expect(output).toMatch(/PermissionError|not permitted/);
  });
});

describe('nothing leaves the machine', () => {
  attack('E55 by address, UDP, DNS or ping', { commands }, async ({ shell }) => {
    const probe = (kind: string, host: string, port: number) => `python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.${kind})
s.settimeout(2)
s.connect(('${host}', ${port})); s.send(b'x'); print('sent')"`;
    for (const cmd of [
      probe('SOCK_STREAM', '1.1.1.1', 80),
      probe('SOCK_DGRAM', '1.1.1.1', 53),
      'getent hosts example.com',
      'ping -c1 -W1 1.1.1.1',
    ]) {
      const { code, output } = await shell(cmd);
      expect(code, output).not.toBe(0);
      expect(output).not.toContain('sent');
    }
  });
});
