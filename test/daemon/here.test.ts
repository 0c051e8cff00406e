import { describe, expect, it } from 'vitest';
import { runHere } from '../../src/daemon/here.ts';
import { House } from '../support/house.ts';
import { startChatModel } from '../support/model-server.ts';

describe('a run that this device starts itself', () => {
  it('is cancelled where its caller left while it was registered', async () => {
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
    const frames: Record<string, unknown>[] = [];
    for await (const frame of runHere(world, { agent: 'worker', prompt: 'go' }, AbortSignal.abort())) {
      frames.push(frame);
    }
    expect(frames.at(-1)).toMatchObject({ type: 'record', record: { status: 'cancelled' } });
  });
});
