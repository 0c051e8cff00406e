import { spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { startControlServer } from '../../src/control/server.ts';
import { callDoor, openDoor, portsWith, SILENT_LOG, surroundings } from '../control/harness.ts';
import { House } from '../support/house.ts';
import { tempDir } from '../support/temp.ts';

const isRoot = process.getuid?.() === 0;
const WITHOUT_ROOT = isRoot ? '' : ' (skipped: only root can become another user)';
const NOBODY = 65_534;

/** What another user of this machine is told who asks the socket for its status. */
async function askAsNobody(socketPath: string): Promise<string> {
  const script = `
    const { request } = require('node:http');
    request({ socketPath: process.argv[1], path: '/status' }, (answer) => console.log(answer.statusCode))
      .on('error', (error) => console.log(error.code)).end();`;
  const child = spawn(process.execPath, ['-e', script, socketPath], { uid: NOBODY, gid: NOBODY, cwd: '/' });
  return (await text(child.stdout)).trim();
}

describe('the local door', () => {
  it.skipIf(!isRoot)(`95 is closed to another user of this machine${WITHOUT_ROOT}`, async () => {
    let asked = 0;
    const status = () => {
      asked += 1;
      throw new Error('nobody should come here');
    };
    const { socketPath } = await openDoor({ status });
    expect(await askAsNobody(socketPath)).toBe('EACCES');
    // Nor does the socket's own mode decide alone.
    chmodSync(socketPath, 0o777);
    expect(await askAsNobody(socketPath)).toBe('EACCES');
    expect(asked).toBe(0);
  });

  it('95 opens in no folder that others can enter, and makes nothing there', async () => {
    for (const mode of [0o755, 0o770, 0o701, 0o777]) {
      const folder = join(tempDir(), 'home');
      mkdirSync(folder);
      chmodSync(folder, mode);
      const door = startControlServer({
        socketPath: join(folder, 'd.sock'),
        ports: portsWith(),
        log: SILENT_LOG,
        page: surroundings(folder),
      });
      await expect(door).rejects.toMatchObject({ code: 'socket_folder_unsafe' });
      expect([readdirSync(folder), lstatSync(folder).mode & 0o777]).toEqual([[], mode]);
    }
  });

  it('95 follows no link: in place of its folder, or in place of its socket', async () => {
    const dir = tempDir();
    const theirs = join(dir, 'theirs');
    mkdirSync(theirs, { mode: 0o700 });
    symlinkSync(theirs, join(dir, 'home'));
    const start = (socketPath: string) =>
      startControlServer({ socketPath, ports: portsWith(), log: SILENT_LOG, page: surroundings(dir) });
    await expect(start(join(dir, 'home', 'd.sock'))).rejects.toMatchObject({ code: 'socket_folder_unsafe' });
    expect(readdirSync(theirs)).toEqual([]);

    const precious = join(dir, 'precious');
    writeFileSync(precious, 'precious');
    const { socketPath, close } = await openDoor();
    await close();
    symlinkSync(precious, socketPath);
    await expect(start(socketPath)).rejects.toMatchObject({ code: 'socket_taken' });
    expect([lstatSync(socketPath).isSymbolicLink(), readFileSync(precious, 'utf8')]).toEqual([
      true,
      'precious',
    ]);
  });

  it('95 is not opened by a daemon whose home others may write to, and the home is left as it is', async () => {
    const house = new House();
    await house.startMesh();
    await house.link();
    const home = join(house.dir, 'device');
    chmodSync(home, 0o777);
    const before = readdirSync(home).sort();
    for (const command of [['daemon'], ['config', 'set', 'maxConcurrentRuns', '3'], ['unlink']]) {
      const refused = house.command(...command, '--json');
      expect(await refused.exited).toMatchObject({ code: 1 });
      expect(refused.lines.at(-1)).toMatchObject({ code: 'home_writable_by_others' });
    }
    expect(readdirSync(home).sort()).toEqual(before);
    expect(lstatSync(home).mode & 0o777).toBe(0o777);
  }, 40_000);

  it('77 takes no body over its size or depth', async () => {
    let started = 0;
    const { socketPath, client } = await openDoor({
      here: async function* () {
        started += 1;
        yield { type: 'run_started' };
      },
    });
    const large = `{"agent":"a","prompt":"${'x'.repeat(10_485_760)}"}`;
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await callDoor(socketPath, { method: 'POST', path: '/here', body: large, headers });
      expect(answer.status).toBe(413);
    }
    const deep = `{"agent":"a","prompt":"x","metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    expect((await callDoor(socketPath, { method: 'POST', path: '/here', body: deep })).status).toBe(400);
    expect(started).toBe(0);
    expect((await client.status()).pid).toBe(42);
  });
});
