import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/kit/make-folder.ts';
import { tempDir } from '../support/temp.ts';

const OPTIONS = { mode: 0o700, instead: 'give another one.' };

describe('a folder that is to be made', () => {
  it('is made with what is missing above it, and left as it is where it is there', () => {
    const dir = tempDir();
    const folder = join(dir, 'a', 'b', 'c');
    makeFolder(folder, OPTIONS);
    expect([join(dir, 'a'), folder].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    mkdirSync(join(dir, 'open'), { mode: 0o755 });
    makeFolder(join(dir, 'open'), OPTIONS);
    expect(statSync(join(dir, 'open')).mode & 0o777).toBe(0o755);
    symlinkSync('a', join(dir, 'link'));
    makeFolder(join(dir, 'link', 'd'), OPTIONS);
    expect(statSync(join(dir, 'a', 'd')).isDirectory()).toBe(true);
  });

  it('and cannot be is refused with the reason and what to do', () => {
    const dir = tempDir();
    writeFileSync(join(dir, 'file'), '');
    symlinkSync('nowhere', join(dir, 'dangling'));
    const refusal = (path: string) => {
      try {
        makeFolder(path, OPTIONS);
      } catch (error) {
        return String(error);
      }
      return 'made';
    };
    expect(refusal(join(dir, 'file'))).toMatch(/no folder has its name; give another one\.$/);
    expect(refusal(join(dir, 'dangling'))).toMatch(/no folder has its name/);
    expect(refusal(join(dir, 'file', 'x', 'y'))).toMatch(/what stands above it is no folder/);
    expect(refusal(join(dir, 'x'.repeat(300)))).toMatch(/too long/);
  });

  it.skipIf(process.platform !== 'linux')(
    'is refused below /proc, where Node’s own recursive way never ends (Linux)',
    () => {
      for (const path of ['/proc/1/x', '/proc/no-such/x/y']) {
        expect(() => makeFolder(path, OPTIONS)).toThrow(/the system makes no folders there/);
      }
    },
  );
});
