import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { House } from '../support/house.ts';
import { RUNMESH } from '../support/processes.ts';
import { tempDir } from '../support/temp.ts';

/** Takes nothing that is written to it, as a file on a full disk. Linux has it. */
const FULL = '/dev/full';
const lacks = existsSync(FULL) ? '' : ` (skipped: there is no ${FULL} here)`;

function runmeshOnto(file: string, args: string[], env: Record<string, string | undefined>) {
  const stdout = openSync(file, 'w');
  const child = spawn(process.execPath, [RUNMESH, ...args], { env, stdio: ['ignore', stdout, 'pipe'] });
  closeSync(stdout);
  const said = { child, stderr: '' };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await exited;
  });
  return Object.assign(said, { exited });
}

describe.skipIf(lacks !== '')(`standard output on a full disk${lacks}`, () => {
  it('does not end a service, which does its work and stops as it is asked to', async () => {
    const house = new House();
    await house.startMesh();
    await house.link();
    const daemon = runmeshOnto(FULL, ['daemon', '--json'], { ...house.environment, RUNMESH_SERVICE: 'test' });
    const online = async () => {
      const { data } = (await house.fetch(`/v1/runmesh/nodes/${house.deviceId}`).then((r) => r.json())) as {
        data: { status: string };
      };
      return data.status;
    };
    await expect.poll(online, { timeout: 15_000, interval: 200 }).toBe('online');
    // What it says when it is ready comes after it is.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(daemon.child.exitCode).toBeNull();
    daemon.child.kill('SIGTERM');
    expect([await daemon.exited, daemon.stderr]).toEqual([0, '']);
  }, 40_000);

  it('fails a command, which says so and shows no stack', async () => {
    const home = tempDir();
    const env = { PATH: process.env.PATH, HOME: home, RUNMESH_HOME: home };
    const command = runmeshOnto(FULL, ['--help'], env);
    expect(await command.exited).toBe(1);
    expect(command.stderr).toMatch(/^error .*could not be written.*ENOSPC.*\n$/);
  });
});
