import { statSync } from 'node:fs';
import type { Keychain } from '../device/keychain.ts';
import { homeHash } from '../device/paths.ts';
import { messageOf } from '../kit/errors.ts';
import type { Finding } from '../kit/finding.ts';
import type { DoctorWorld } from './world.ts';

type World = Pick<DoctorWorld, 'paths' | 'secretStore' | 'loadKeychain'>;

/** Writes a secret where this device's are, reads it back and takes it away again. */
export async function lookAtSecrets(world: World): Promise<Finding[]> {
  return [world.secretStore === 'file' ? lookAtFile(world) : await lookAtKeychain(world)];
}

function lookAtFile({ paths }: World): Finding {
  const title = 'Secrets';
  const stats = statSync(paths.secrets, { throwIfNoEntry: false });
  if (stats === undefined) {
    return { code: 'secrets_none', title, severity: 'ok', says: 'None yet; they will be in a 0600 file.' };
  }
  if ((stats.mode & 0o077) === 0) {
    return { code: 'secrets_file', title, severity: 'ok', says: `In ${paths.secrets}, for its owner alone.` };
  }
  return {
    code: 'secrets_file_open',
    title,
    severity: 'fault',
    says: `${paths.secrets} can be read by others.`,
    todo: `chmod 600 "${paths.secrets}", then unlink and link this device: its key may be known.`,
    fix: 'private_files',
  };
}

async function lookAtKeychain({ paths, secretStore, loadKeychain }: World): Promise<Finding> {
  const isMac = secretStore === 'keychain';
  const title = isMac ? 'Keychain' : 'Secret Service';
  try {
    await roundTrip(await loadKeychain(), `${homeHash(paths.home)}:doctor`);
    return { code: 'keychain', title, severity: 'ok', says: 'It keeps, gives back and forgets a secret.' };
  } catch (error) {
    return {
      code: 'keychain_refuses',
      title,
      severity: 'fault',
      says: `It does not keep a secret for this process: ${messageOf(error)}.`,
      todo: isMac
        ? 'Log in at the screen and unlock the login keychain (Keychain Access, or: security unlock-keychain), and answer its question with "Always Allow".'
        : 'Unlock the keyring, and run in a session that has a D-Bus; or set RUNMESH_SECRETS=file and link again.',
    };
  }
}

async function roundTrip(keychain: Keychain, account: string): Promise<void> {
  const secret = `probe ${account}`;
  await keychain.setPassword(SERVICE, account, secret);
  try {
    const back = await keychain.getPassword(SERVICE, account);
    if (back !== secret) throw new Error('what was written did not come back');
  } finally {
    await keychain.deletePassword(SERVICE, account);
  }
}

const SERVICE = 'RunMesh';
