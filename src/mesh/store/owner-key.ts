import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, RunmeshError } from '../../kit/errors.ts';
import type { Random } from '../../kit/random.ts';
import { findKey, hasKeyForm, insertKey, newApiKey } from './keys.ts';
import type { Store } from './store.ts';

/** The organisation and user who host this mesh. */
export const LOCAL_ORG = 'org_local';
const OWNER_USER = 'usr_owner';

/** Who an organisation's things belong to where no key says more. */
export function ownerOf(orgId: string): string {
  return orgId === LOCAL_ORG ? OWNER_USER : `usr_${orgId.slice('org_'.length)}`;
}

/**
 * The owner's own first key. The database holds only its hash, so it is kept readable in `owner.key` (mode 0600) in
 * the data folder, as the owner's credential file: the mesh names it at every start. A lost file gets a new key; a key
 * whose database was lost gets its row again.
 */
export function ensureOwnerKey(
  store: Store,
  options: { dataDir: string; random: Random; now: number },
): string {
  const path = join(options.dataDir, 'owner.key');
  const apiKey = readKeyFile(path) ?? writeKeyFile(path, options.random);
  if (findKey(store, apiKey) === undefined) {
    const owner = { orgId: LOCAL_ORG, userId: OWNER_USER, name: 'owner', scopes: ['*'] };
    insertKey(store, options.random, apiKey, owner, options.now);
  }
  return apiKey;
}

function readKeyFile(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (hasKeyForm(text)) return text;
  throw new RunmeshError(
    'owner_key_broken',
    `${path} does not hold an API key. Delete it to have the mesh write a new one.`,
  );
}

function writeKeyFile(path: string, random: Random): string {
  const apiKey = newApiKey(random);
  writeFileSync(path, `${apiKey}\n`, { mode: 0o600, flag: 'wx' });
  return apiKey;
}
