import { describe, expect } from 'vitest';
import { DeviceClient } from '../support/device-client.ts';
import { fillDisk, smallDisk } from '../support/small-disk.ts';
import { acceptDispatch, completed, event, openBoundMesh, sendEvents, startRun } from './harness.ts';

describe('a mesh whose disk is full', () => {
  smallDisk.it(
    'sends its device away and lives on, and takes what the device brings again when there is space',
    async ({ disk }) => {
      const { mesh, device } = await openBoundMesh({ dataDir: disk });
      const { client } = await DeviceClient.connect(device);
      void startRun(mesh).catch(() => {});
      const { runId } = await acceptDispatch(client);
      const space = fillDisk(disk);
      const events = Array.from({ length: 30 }, (_, n) =>
        event(n + 1, 'tool_result', { callId: `c${n}`, text: 'x'.repeat(30_000) }),
      );
      sendEvents(client, runId, events);
      expect((await client.closed).code).toBe(1012);
      expect(await mesh.call('GET', `/v1/run/${runId}`)).toMatchObject({ status: 200 });
      space.free();
      const again = await DeviceClient.connect(device, {
        runs: [{ runId, attempt: 1, lastRunSequence: 31 }],
      });
      sendEvents(again.client, runId, [...events, completed(31)]);
      expect(await again.client.take('ack')).toMatchObject({ runId, runSequence: 31 });
    },
  );
});
