import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** A run's own folder for temporary files. The id came over the wire: one that could be more than a name is hashed. */
export function runFolder(temporary: string, runId: string): string {
  const isName = /^[A-Za-z0-9_-]{1,100}$/.test(runId);
  return join(temporary, isName ? runId : createHash('sha256').update(runId).digest('hex'));
}
