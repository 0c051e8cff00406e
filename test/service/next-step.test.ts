import { describe, expect, it, vi } from 'vitest';
import { openMachine } from './harness.ts';

vi.setConfig({ testTimeout: 120_000 });

describe('`runmesh` alone', () => {
  it('names the next sensible step from a linked device to one whose service is registered', async () => {
    const mac = await openMachine('darwin');
    const next = async () => (await mac.run()).last.next;
    expect(await next()).toBe('runmesh service install');
    await mac.house.startDaemon();
    const byHand = (await mac.run()).last;
    expect(byHand).toMatchObject({
      next: 'runmesh status',
      why: expect.stringMatching(/only as long as somebody runs it.*runmesh service install/),
    });
    await mac.house.daemon?.kill();
    await mac.run('service', 'install');
    expect(await next()).toBe('runmesh status');
    await mac.closeMesh();
    await expect.poll(next, { timeout: 20_000, interval: 200 }).toBe('runmesh doctor');
    await mac.run('service', 'stop');
    expect(await next()).toBe('runmesh service start');
  });

  it('knows a machine without a service manager', async () => {
    const linux = await openMachine('linux');
    linux.managers.set('noUserManager', true);
    expect((await linux.run()).last).toMatchObject({ next: 'runmesh daemon' });
  });
});
