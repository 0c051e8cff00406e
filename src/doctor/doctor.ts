import { messageOf } from '../kit/errors.ts';
import type { Finding } from '../kit/finding.ts';
import { lookAtDisk } from './disk.ts';
import { lookAtMac } from './mac.ts';
import { lookAtMesh } from './mesh.ts';
import { lookAtNativeModules } from './native-modules.ts';
import { lookAtSandbox } from './sandbox.ts';
import { lookAtSecrets } from './secret-store.ts';
import { lookAtWorkspaces } from './workspaces.ts';
import type { DoctorWorld } from './world.ts';

/** Everything there is to see from inside this process, in the order in which it is told. Changes nothing. */
export async function examineDevice(world: DoctorWorld): Promise<Finding[]> {
  const looks: readonly Look[] = [
    ['native_modules', 'Native modules', lookAtNativeModules],
    ['secrets', 'Secrets', lookAtSecrets],
    ['mesh', 'Mesh', lookAtMesh],
    ['journal', 'Journal', async ({ lookAtJournal }) => [await lookAtJournal()]],
    ['disk', 'Disk', lookAtDisk],
    ['workspaces', 'Workspaces', lookAtWorkspaces],
    ['sandbox', 'Sandbox', lookAtSandbox],
    ['mac', 'macOS', lookAtMac],
  ];
  const found = await Promise.all(looks.map((look) => lookSafely(world, look)));
  return found.flat();
}

type Look = readonly [code: string, title: string, look: (world: DoctorWorld) => Promise<Finding[]>];

/** A look that fails is itself something found; the others go on. */
async function lookSafely(world: DoctorWorld, [code, title, look]: Look): Promise<Finding[]> {
  try {
    return await look(world);
  } catch (error) {
    return [{ code: `${code}_check_failed`, title, severity: 'fault', says: messageOf(error) }];
  }
}
