import { join } from 'node:path';
import { connectControl } from '../../src/control/client.ts';
import { House } from '../support/house.ts';
import { ServiceManagers } from '../support/service-managers.ts';
import { lendDependencies } from './packed.ts';

/** A linked device whose daemon a real process installs as a service, under a systemd of the test's own. */
export async function openServer() {
  const house = new House();
  const managers = new ServiceManagers(house.dir);
  Object.assign(house.env, managers.env);
  lendDependencies(house.dir);
  await house.startMesh();
  await house.link();
  const home = join(house.dir, 'device');
  const run = async (...args: string[]) => {
    const command = house.command(...args, '--json');
    const { code } = await command.exited;
    return { code, last: command.lines.at(-1) ?? {}, stderr: command.stderr };
  };
  return { house, managers, home, run, status: () => connectControl(join(home, 'daemon.sock')).vitals() };
}
