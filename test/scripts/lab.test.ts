import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const LAB = fileURLToPath(new URL('../../scripts/lab/lab.mjs', import.meta.url));

describe('the fault lab', () => {
  it('finds in the built program each place where it puts a crash point, a shorter wait or a sabotage', async () => {
    const { exitCode, stdout } = await execa(process.execPath, [LAB, '--fit'], { reject: false });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: "0 of the lab's edits do not fit the built program.",
    });
  });

  it('finds nothing lost, doubled or left without an end in a short storm', async () => {
    // A slow machine gets through fewer cycles in its minute. From cycle 25 on commands are in a sandbox.
    const args = [LAB, '--from', '20', '--cycles', '30', '--seconds', '60', '--seed', 'short'];
    const { exitCode, stdout } = await execa(process.execPath, args, { reject: false });
    expect(exitCode, stdout.slice(-20_000)).toBe(0);
    expect(stdout.split('\n').at(-1)).toMatch(/ 0 lost and 0 doubled; .* 0 were executed twice/);
  }, 300_000);

  it('finds a program out that commits a call only after it has run', async () => {
    const args = [LAB, '--cycles', '0', '--seed', 'short', '--sabotage', 'intent after spawn'];
    const { exitCode, stdout } = await execa(process.execPath, args, { reject: false });
    expect(exitCode, stdout.slice(-20_000)).toBe(0);
    expect(stdout).toMatch(/executed twice/);
    expect(stdout.split('\n').at(-1)).toMatch(/sabotage: 1 of 1 caught/);
  }, 200_000);
});
