import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { openMachine } from './harness.ts';

vi.setConfig({ testTimeout: 120_000 });

describe('a property list that is damaged', () => {
  it('belongs to no other device: it is named, stopped, and written anew', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const text = readFileSync(mac.plist, 'utf8');
    const damaged = {
      empty: '',
      'cut off': text.slice(0, 200),
      binary: Buffer.from('bplist00\xd1\x01\x02', 'latin1'),
    };
    for (const [how, content] of Object.entries(damaged)) {
      writeFileSync(mac.plist, content);
      const { lines } = await mac.run('doctor');
      expect(lines, how).toContainEqual(
        expect.objectContaining({ code: 'service_stale', fix: 'reinstall', todo: 'runmesh service install' }),
      );
    }
    expect(await mac.run('service', 'stop')).toMatchObject({ code: 0, last: { loaded: false } });
    for (const verb of ['start', 'restart']) {
      const before = readFileSync(mac.plist);
      expect((await mac.run('service', verb)).last).toMatchObject({
        code: 'service_file_damaged',
        message: expect.stringContaining('runmesh service install'),
      });
      expect(readFileSync(mac.plist).equals(before)).toBe(true);
    }
    expect(await mac.run('service', 'install')).toMatchObject({ code: 0, last: { registered: true } });
    expect(readFileSync(mac.plist, 'utf8')).toBe(text);
  });
});
