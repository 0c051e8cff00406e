import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of its own for the running test, gone when the test is. Its real path, since macOS links its temp folder. */
export function tempDir(): string {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'runmesh-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
