import { readFileSync } from 'node:fs';
import { parse } from 'plist';
import { describe, expect, it, vi } from 'vitest';
import { openMachine } from './harness.ts';

const LABEL = 'ai.runmesh.agent';

vi.setConfig({ testTimeout: 120_000 });

describe('the domains of a Mac', () => {
  it('overcomes a disabled override that an earlier life left', async () => {
    const mac = await openMachine('darwin');
    mac.managers.set('disabled', { [`${mac.gui}/${LABEL}`]: true });
    expect((await mac.run('service', 'status')).last).toMatchObject({ disabled: true });
    expect(await mac.run('service', 'install')).toMatchObject({ code: 0, last: { registered: true } });
  });

  it('tries again where launchd fails for a moment, and takes a busy label for what it is', async () => {
    const mac = await openMachine('darwin');
    mac.managers.set('bootstrapFaults', [5, 37]);
    expect(await mac.run('service', 'install')).toMatchObject({ code: 0, last: { domain: mac.gui } });
    expect(mac.managers.calls.filter((call) => call.includes('bootstrap '))).toHaveLength(3);
  });

  it('goes into the background domain where nobody is logged in at the screen, and says what is lost', async () => {
    for (const gui of [undefined, 'unsupported']) {
      const mac = await openMachine('darwin');
      mac.managers.set('domains', { ...(gui && { [mac.gui]: gui }), [mac.user]: 'there' });
      const { code, last } = await mac.run('service', 'install');
      expect({ code, last }).toMatchObject({ code: 0, last: { domain: mac.user, registered: true } });
      expect(String(last.notes)).toMatch(/Nobody is logged in at the screen.*Keychain cannot ask/);
      expect(parse(readFileSync(mac.plist, 'utf8'))).toMatchObject({ LimitLoadToSessionType: 'Background' });
    }
  });

  it('moves to the login session when there is one again', async () => {
    const mac = await openMachine('darwin');
    mac.managers.set('domains', { [mac.user]: 'there' });
    await mac.run('service', 'install');
    mac.managers.set('domains', { [mac.gui]: 'there', [mac.user]: 'there' });
    expect(await mac.run('service', 'install')).toMatchObject({ code: 0, last: { domain: mac.gui } });
    expect(Object.keys(mac.managers.jobs)).toEqual([`${mac.gui}/${LABEL}`.replaceAll('/', ':')]);
  });

  it('falls back where the login session refuses for ever without a reason, and says so', async () => {
    const mac = await openMachine('darwin');
    mac.managers.set('bootstrapFaults', [5, 5, 5, 5, 0]);
    const { code, last } = await mac.run('service', 'install');
    expect({ code, last }).toMatchObject({ code: 0, last: { domain: mac.user } });
    expect(String(last.notes)).toContain('for no reason it gives');
  });

  it('names the cause where no domain takes it', async () => {
    const mac = await openMachine('darwin');
    mac.managers.set('domains', {});
    expect(await mac.run('service', 'install')).toMatchObject({
      code: 1,
      last: { code: 'service_not_loaded', message: expect.stringContaining('log in at the screen') },
    });
  });
});
