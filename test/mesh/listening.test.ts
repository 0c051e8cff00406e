import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Command } from '../support/processes.ts';
import { tempDir } from '../support/temp.ts';

describe('a mesh that cannot listen', () => {
  it('says whether the port is taken or the address is not this machine’s, and what to give instead', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const mesh = async (...args: string[]) => {
      const home = tempDir();
      const command = new Command(['mesh', ...args, '--json'], {
        PATH: process.env.PATH,
        HOME: home,
        RUNMESH_HOME: home,
      });
      expect(await command.exited).toMatchObject({ code: 1 });
      return command.lines.at(-1);
    };
    expect(await mesh('--port', String(port))).toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(`--port ${port < 65_535 ? port + 1 : port - 1}`),
    });
    const elsewhere = [
      '--port',
      '0',
      '--host',
      '192.0.2.1',
      '--insecure',
      '--public-url',
      'http://192.0.2.1',
    ];
    expect(await mesh(...elsewhere)).toMatchObject({ code: 'host_not_here' });
  });

  it('leaves a data folder to the mesh that has it, and names that one', async () => {
    const home = tempDir();
    const env = { PATH: process.env.PATH, HOME: home, RUNMESH_HOME: home };
    const start = () => new Command(['mesh', '--port', '0', '--data', join(home, 'mesh'), '--json'], env);
    const first = start();
    await first.line('mesh_ready');
    const second = start();
    expect(await second.exited).toMatchObject({ code: 1 });
    expect(second.lines).toMatchObject([
      { code: 'mesh_running', message: expect.stringMatching(`pid ${first.child.pid}.*--data`) },
    ]);
    await first.kill();
    await start().line('mesh_ready');
  });

  it('names a data folder that cannot be one, and the option that gives another', async () => {
    const home = tempDir();
    const file = join(home, 'file');
    writeFileSync(file, '');
    const below = process.platform === 'linux' ? ['/proc/1/mesh'] : [];
    for (const data of [file, join(file, 'mesh'), ...below]) {
      const env = { PATH: process.env.PATH, HOME: home, RUNMESH_HOME: home };
      const command = new Command(['mesh', '--port', '0', '--data', data, '--json'], env);
      expect(await command.exited).toMatchObject({ code: 1 });
      expect(command.lines).toEqual([
        {
          type: 'error',
          code: 'folder_unusable',
          message: expect.stringMatching(/give another one with --data/),
        },
      ]);
    }
  });
});
