import { existsSync, readFileSync, rmSync } from 'node:fs';
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

  smallDisk.it(
    'lets a daemon start that died, paused and saying why, and its run goes on when there is space',
    async ({ disk }) => {
      const model = await startChatModel((request) => {
        if (resultsIn(request) >= 1) return { text: 'Written.' };
        return {
          text: 'Writing.',
          calls: [{ name: 'exec_command', args: { cmd: 'sleep 1; echo line >> w.txt' } }],
        };
      });
      const house = await House.withModel(model.baseUrl, {}, { RUNMESH_HOME: join(disk, 'device') });
      const stream = await house.run({ prompt: 'work' });
      await stream.frame((frame) => frame.type === 'tool_call');
      const space = fillDisk(disk);
      await house.daemon?.kill();
      await house.startDaemon();
      const status = house.command('status', '--json');
      await status.exited;
      expect(status.lines[0]).toMatchObject({ paused: ['disk_full'] });
      space.free();
      expect(await house.ended(stream.runId, 30_000)).toMatchObject({
        status: 'completed',
        result: 'Written.',
      });
    },
    60_000,
  );

  smallDisk.it(
    'says that it is full where a daemon cannot start at all',
    async ({ disk }) => {
      const house = await House.open({ RUNMESH_HOME: join(disk, 'device') });
      await house.daemon?.kill();
      rmSync(join(disk, 'device', 'journal.db.ballast'));
      fillDisk(disk);
      const daemon = house.command('daemon', '--json');
      expect(await daemon.line('error')).toMatchObject({ code: 'disk_full' });
      expect(await daemon.exited).toEqual({ code: 1, signal: null });
    },
    40_000,
  );
});
