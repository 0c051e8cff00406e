import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { COMMAND_VARIABLE, makeSandboxLine } from '../../src/leash/sandbox-line.ts';
import { shellText } from '../../src/leash/sandbox-words.ts';
import { SYSTEM_PATH, systemProgram } from '../../src/leash/system-program.ts';
import { noSandbox, policyFor } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';

const missing = noSandbox ?? ['socat', 'python3'].find((name) => systemProgram(name) === undefined);

it.skipIf(missing !== undefined)(
  `a command finds both ways to the proxies open, however late they open [${missing ?? 'here'}]`,
  async () => {
    const dir = tempDir();
    const [root, temporary, late] = [join(dir, 'project'), join(dir, 'temporary'), join(dir, 'late')];
    for (const folder of [root, temporary, late]) mkdirSync(folder);
    writeFileSync(join(late, 'socat'), `#!/bin/sh\nsleep 0.4\nexec ${systemProgram('socat')} "$@"\n`);
    chmodSync(join(late, 'socat'), 0o700);
    const socket = join(dir, 'proxies.sock');
    const server = createServer((one) => one.end());
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => void server.close());

    const proxies = {
      forLinux: { httpSocketPath: socket, socksSocketPath: socket, proxyAuthToken: 'word' },
      forMacos: { httpProxyPort: 1, socksProxyPort: 1, proxyAuthToken: 'word' },
      readable: [socket],
    };
    const policy = policyFor(root, { network: ['example.com'] }, { temporary });
    const { line, undo } = await makeSandboxLine(policy, [], proxies, 'linux');
    onTestFinished(undo);
    const connect = (port: number) =>
      `python3 -c 'import socket; socket.create_connection(("127.0.0.1", ${port}))' 2>/dev/null; echo ${port}=$?`;
    const words = ['/bin/sh', '-c', `${connect(3128)}; ${connect(1080)}; echo "\${port-none} \${n-none}"`];
    const output = execFileSync('/bin/sh', ['-c', line], {
      cwd: root,
      encoding: 'utf8',
      env: {
        PATH: `${late}:${SYSTEM_PATH}`,
        [COMMAND_VARIABLE]: shellText(words, { PATH: SYSTEM_PATH }),
      },
    });
    expect(output).toBe('3128=0\n1080=0\nnone none\n');
  },
);
