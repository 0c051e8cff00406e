import { join } from 'node:path';
import { expect } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import { type Clock, systemClock } from '../../src/kit/clock.ts';
import { CliWorld } from '../cli/harness.ts';
import { openMesh } from '../mesh/harness.ts';
import { House } from '../support/house.ts';
import { ServiceManagers } from '../support/service-managers.ts';

/** What is waited for between two tries says nothing, and takes seconds; what is polled for is left its pace. */
const HURRIED: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms >= 1_000 ? 100 : ms, signal),
};

/** A linked device on a machine whose service manager is the test's own; no daemon runs yet. */
export async function openMachine(platform: 'darwin' | 'linux', house = new House()) {
  const mesh = await openMesh();
  house.useMesh(mesh);
  // Its daemons end before the mesh, which would wait for them.
  const managers = new ServiceManagers(house.dir);
  await house.link();
  const uid = process.getuid?.() ?? 0;
  const [gui, user] = [`gui/${uid}`, `user/${uid}`];
  managers.set('domains', { [gui]: 'there', [user]: 'there' });
  const inWorld = () =>
    new CliWorld({
      env: { ...house.environment, ...managers.env },
      platform,
      homedir: house.dir,
      clock: HURRIED,
    });
  const run = async (...args: string[]) => {
    const world = inWorld();
    const code = await world.run(...args, '--json');
    return { code, last: world.lines.at(-1) ?? {}, lines: world.lines };
  };
  /** `runmesh link`, approved by the mesh's owner. */
  const linkAgain = async (...args: string[]) => {
    const world = inWorld();
    const done = world.run('link', ...args, '--no-browser', '--json');
    await expect.poll(() => world.lines.at(-1)?.type).toBe('link_code');
    await house.post('/v1/runmesh/devices/link/approve', { code: world.lines.at(-1)?.code });
    return { code: await done, last: world.lines.at(-1) };
  };
  return {
    house,
    managers,
    gui,
    user,
    run,
    linkAgain,
    closeMesh: () => mesh.close(),
    plist: join(house.dir, 'Library', 'LaunchAgents', 'ai.runmesh.agent.plist'),
    unit: join(house.dir, '.config', 'systemd', 'user', 'runmesh-agent.service'),
    daemon: () => connectControl(join(house.dir, 'device', 'daemon.sock')).status(),
  };
}
