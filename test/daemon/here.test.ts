import { describe, expect, it } from 'vitest';
import { runHere } from '../../src/daemon/here.ts';
import { House } from '../support/house.ts';
import { startChatModel } from '../support/model-server.ts';

describe('a run that this device starts itself', () => {
  it('is cancelled where its caller left while it was registered', async () => {
    const { world } = await aLinkedDevice();
    const frames: Record<string, unknown>[] = [];
    for await (const frame of runHere(world, { agent: 'worker', prompt: 'go' }, AbortSignal.abort())) {
      frames.push(frame);
    }
    expect(frames.at(-1)).toMatchObject({ type: 'record', record: { status: 'cancelled' } });
  });

  it('is ended at the mesh where this device refuses it, so that its thread waits for nothing', async () => {
    const { house, world } = await aLinkedDevice();
    const request = { agent: 'worker', prompt: 'go', metadata: { workspace: 'nowhere' } };
    const frames = runHere(world, request, new AbortController().signal);
    await expect(frames.next()).rejects.toMatchObject({ code: 'rejected_invalid' });
    const runs = (await house.get('/v1/run')) as unknown as { status: string }[];
    expect(runs.map(({ status }) => status)).toEqual(['cancelled']);
  });
});

async function aLinkedDevice() {
  const model = await startChatModel(() => ({ text: 'Done.' }));
  const house = new House();
  await house.startMesh();
  await house.link();
  const provider = { type: 'openai-compatible', baseUrl: model.baseUrl };
  await house.configure('models.providers.test', JSON.stringify(provider));
  await house.agent({ model: 'test/model' });
  const world = {
    env: house.environment,
    platform: process.platform,
    homedir: house.dir,
    hostname: 'test.local',
    leave: (code: number) => {
      throw new Error(`left with ${code}`);
    },
  };
  return { house, world };
}
