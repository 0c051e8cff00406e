import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { codeOf } from '../../kit/errors.ts';
import type { DevicePaths } from '../paths.ts';
import type { Audit } from './audit.ts';

/** Records a config file that is not as the last command that changed it left it: somebody edited it. */
export function noteConfig(audit: Audit, paths: Pick<DevicePaths, 'config'>): void {
  const now = configHash(paths);
  const row = audit.db.prepare(LAST_KNOWN).get() as { known: string } | undefined;
  if (row?.known !== now) audit.record('config_edited', { configHash: now });
}

/** Stands in each record of a command that changed the config file. */
export function configHash({ config }: Pick<DevicePaths, 'config'>): string {
  return createHash('sha256').update(read(config)).digest('hex');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

const LAST_KNOWN = `SELECT json_extract(detail, '$.configHash') AS known FROM records
  WHERE json_extract(detail, '$.configHash') IS NOT NULL ORDER BY n DESC LIMIT 1`;
