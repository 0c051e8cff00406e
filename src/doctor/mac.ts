import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../kit/finding.ts';
import type { RunCommand } from '../service/run-command.ts';
import type { DoctorWorld } from './world.ts';

type World = Pick<DoctorWorld, 'platform' | 'homedir' | 'nodeFile' | 'run'>;

/** What macOS allows this process, and when it sleeps. Nothing elsewhere. */
export async function lookAtMac(world: World): Promise<Finding[]> {
  if (world.platform !== 'darwin') return [];
  return [lookAtFullDiskAccess(world), screenAndAutomation(world), ...(await lookAtSleep(world.run))];
}

/** The privacy database is readable with Full Disk Access alone, and reading it asks nobody. */
function lookAtFullDiskAccess({ homedir, nodeFile }: World): Finding {
  const title = 'Full Disk Access';
  try {
    accessSync(join(homedir, 'Library', 'Application Support', 'com.apple.TCC', 'TCC.db'), constants.R_OK);
    return { code: 'full_disk_access', title, severity: 'ok', says: `${nodeFile} has it.` };
  } catch {
    return {
      code: 'full_disk_access_none',
      title,
      severity: 'hint',
      says: `${nodeFile} does not have it. Only workspaces in Desktop, Documents, Downloads, iCloud or on other drives need it.`,
      todo: `System Settings > Privacy & Security > Full Disk Access: add ${nodeFile}.`,
    };
  }
}

/** Neither can be asked about without asking the person. */
function screenAndAutomation({ nodeFile }: World): Finding {
  return {
    code: 'privacy_hint',
    title: 'Screen, Automation',
    severity: 'hint',
    says: `macOS asks at the first use, and names ${nodeFile}. Nobody may be there to answer then.`,
    todo: 'Where tools need them, allow both beforehand in System Settings > Privacy & Security.',
  };
}

async function lookAtSleep(run: RunCommand): Promise<Finding[]> {
  const title = 'Sleep';
  const { exitCode, stdout } = await run('pmset', ['-g', 'custom']);
  const minutes = exitCode === 0 ? sleepOnPower(stdout) : undefined;
  if (minutes === undefined) return [];
  if (minutes === 0) {
    return [
      { code: 'sleep_never', title, severity: 'ok', says: 'On power, this Mac stays awake by itself.' },
    ];
  }
  return [
    {
      code: 'sleep',
      title,
      severity: 'hint',
      says: `On power, this Mac sleeps after ${minutes} idle minutes; runs keep it awake, but none can be sent to it while it sleeps.`,
      todo: 'For a Mac that is always there: sudo pmset -c sleep 0. Nothing keeps one awake whose lid is closed.',
    },
  ];
}

/** Minutes of the `sleep` line under `AC Power:`. */
export function sleepOnPower(text: string): number | undefined {
  const section = /AC Power:\n([\s\S]*?)(?:\n\S|$)/.exec(text)?.[1] ?? '';
  const minutes = /^\s*sleep\s+(\d+)/m.exec(section)?.[1];
  return minutes === undefined ? undefined : Number(minutes);
}
