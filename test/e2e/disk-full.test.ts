import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { fillDisk, smallDisk } from '../support/small-disk.ts';

const STEPS = 6;

describe('a full disk', () => {
  smallDisk.it(
    'pauses the device, says so, and lets the run go on when there is space, with nothing lost or run twice',
    async ({ disk }) => {
      const model = await startChatModel((request) => {
        const done = resultsIn(request);
        if (done >= STEPS) return { text: 'All written.' };
        return {
          // Large enough that a few steps use up whatever is left.
          text: `Step ${done + 1}. ${'word '.repeat(20_000)}`,
          calls: [{ name: 'exec_command', args: { cmd: `sleep 0.2; echo line ${done + 1} >> witness.txt` } }],
        };
      });
      const house = await House.withModel(model.baseUrl, {}, { RUNMESH_HOME: join(disk, 'device') });
      const witness = join(house.workspace, 'witness.txt');
      const stream = await house.run({ prompt: 'work' });
      await expect.poll(() => existsSync(witness), { timeout: 10_000 }).toBe(true);
      const space = fillDisk(disk);
      const paused = async () => {
        const status = house.command('status', '--json');
        await status.exited;
        return (status.lines[0] as { paused?: string[] }).paused;
      };
      await expect.poll(paused, { timeout: 20_000, interval: 500 }).toEqual(['disk_full']);
      const asked = model.requests();
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      expect(model.requests()).toBe(asked);
      expect(stream.types).not.toContain('run_completed');
      space.free();
      expect(await house.ended(stream.runId, 30_000)).toMatchObject({ status: 'completed' });
      expect(readFileSync(witness, 'utf8').trimEnd().split('\n')).toEqual(
        Array.from({ length: STEPS }, (_, n) => `line ${n + 1}`),
      );
      await stream.ended;
      expect(house.daemon?.child.exitCode).toBeNull();
    },
    80_000,
  );
});
