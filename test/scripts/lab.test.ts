import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyProgram } from '../../scripts/lab/program.mjs';
import { tempDir } from '../support/temp.ts';

const LAB = fileURLToPath(new URL('../../scripts/lab/lab.mjs', import.meta.url));

describe('the fault lab', () => {
  it('finds in the built program each place where it puts a crash point or shortens a wait', () => {
    expect(copyProgram(join(tempDir(), 'program'))).toMatch(/main\.js$/);
  });
});
