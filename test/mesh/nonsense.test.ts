import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEVICE_FRAMES } from '../../src/protocol/frames.ts';
import { arbitraryOf } from '../support/arbitrary-of.ts';
import { DeviceClient, linkDevice } from '../support/device-client.ts';
import { acceptDispatch, completed, eventually, openBoundMesh, sendEvents, startRun } from './harness.ts';

it('a device that says well-formed nonsense, in a run of its own too, ends nothing but its own connection', async () => {
  const { mesh, device } = await openBoundMesh();
  const bystander = await DeviceClient.connect(await linkDevice(mesh, 'bystander'));
  let { client } = await DeviceClient.connect(device);
  void startRun(mesh);
  const { runId } = await acceptDispatch(client);
  const comeBack = () => DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 0 }] });
  const { hello: _, goodbye: __, ...said } = DEVICE_FRAMES;
  const nonsense = fc
    .tuple(fc.oneof(...Object.values(said).map(arbitraryOf)), fc.boolean(), fc.boolean())
    .map(([frame, ownRun, ownEpoch]) => ({
      ...(frame as { type: string }),
      ...(ownRun && 'runId' in (frame as object) && { runId }),
      // A later attempt of its own run would rightly shut out the one that ends it below.
      ...('attempt' in (frame as object) && { attempt: 1 }),
      ...(ownEpoch && 'journalEpoch' in (frame as object) && { journalEpoch: 'epoch-1' }),
    }))
    // What would end the run is for the end of the test.
    .filter((frame) => !(frame.type === 'rejected' || JSON.stringify(frame).includes('run_completed')));
  for (const frame of fc.sample(nonsense, 500)) {
    if (client.socket.readyState !== client.socket.OPEN) ({ client } = await comeBack());
    client.socket.send(JSON.stringify(frame));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(mesh.logged.filter(({ msg }) => msg === 'a frame was not handled')).toEqual([]);
  bystander.client.send({ type: 'heartbeat', runs: [] });
  await bystander.client.take('heartbeat');

  client.socket.terminate();
  const back = await comeBack();
  const acked = back.welcome.runs.find((run) => run.runId === runId)?.ackedRunSequence ?? 0;
  sendEvents(back.client, runId, [completed(acked + 1)]);
  await eventually(
    () => mesh.call('GET', `/v1/run/${runId}`),
    ({ data }) => data.status === 'completed',
  );
}, 60_000);
