import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeepAwake, type Inhibitor } from '../../src/device/keep-awake.ts';
import { readPmset, readPowerSource } from '../../src/device/power-source.ts';
import { SILENT_LOG } from '../control/harness.ts';
import { FakeClock } from '../support/fake-clock.ts';

const PMSET = {
  mains: `Now drawing from 'AC Power'\n -InternalBattery-0 (id=4653155)\t87%; charging; 0:45 remaining present: true\n`,
  battery: `Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t42%; discharging; 3:02 remaining present: true\n`,
  desktop: `Now drawing from 'AC Power'\n`,
  ups: `Now drawing from 'UPS Power'\n -UPS (id=1)\t100%; discharging; present: true\n`,
};

/** A Mac whose cable a test pulls. It knows the two programs that are asked, and refuses everything else. */
async function aMac({
  platform = 'darwin' as NodeJS.Platform,
  policy = 'ac' as 'ac' | 'always' | 'never',
} = {}) {
  const mac = {
    batt: PMSET.mains,
    busy: false,
    policy,
    /** What is held now, and how often something was. */
    held: [] as string[],
    holds: 0,
    dies: false,
  };
  const inhibit = (command: string, args: readonly string[]): Inhibitor => {
    const line = [command, ...args].join(' ');
    const known =
      /^\/usr\/bin\/caffeinate -i -w 4242$|^systemd-inhibit --what=idle --who=\S+ --why=.+ tail --pid=4242 -f \/dev\/null$/;
    if (!known.test(line)) throw new Error(`no such thing here: ${line}`);
    mac.holds += 1;
    if (mac.dies) return { ended: Promise.reject(new Error('spawn ENOENT')), end: () => {} };
    mac.held.push(line);
    let ended = () => {};
    const over = new Promise<void>((resolve) => {
      ended = resolve;
    });
    return {
      ended: over,
      end: () => {
        mac.held = mac.held.filter((other) => other !== line);
        ended();
      },
    };
  };
  const clock = new FakeClock();
  const keeper = createKeepAwake({
    ports: {
      platform,
      run: async (command, args) => {
        if (`${command} ${args.join(' ')}` !== '/usr/bin/pmset -g batt') throw new Error('no such program');
        return mac.batt;
      },
      list: () => Promise.reject(new Error('ENOENT')),
      read: () => Promise.reject(new Error('ENOENT')),
    },
    inhibit,
    pid: 4242,
    clock,
    log: SILENT_LOG,
    policy: () => mac.policy,
    busy: () => mac.busy,
  });
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  const end = async () => {
    stop.abort();
    await clock.advance(0);
    await running;
  };
  onTestFinished(end);
  const change = async (some: Partial<typeof mac>) => {
    Object.assign(mac, some);
    keeper.changed();
    await clock.advance(0);
  };
  return { mac, keeper, clock, change, end };
}

describe('keeping the machine awake', () => {
  it('is done while a run is at work and no longer', async () => {
    const { mac, keeper, change } = await aMac();
    expect(mac.held).toEqual([]);
    await change({ busy: true });
    expect(mac.held).toEqual(['/usr/bin/caffeinate -i -w 4242']);
    expect(await keeper.state()).toEqual({ source: 'mains', percent: 87, keepingAwake: true });
    await change({ busy: false });
    expect([mac.held, mac.holds]).toEqual([[], 1]);
  });

  it('ends when the cable is pulled in the middle, and begins again when it is back', async () => {
    const { mac, clock, change } = await aMac();
    await change({ busy: true });
    mac.batt = PMSET.battery;
    await clock.advance(30_000);
    expect(mac.held).toEqual([]);
    mac.batt = PMSET.mains;
    await clock.advance(30_000);
    expect(mac.held).toHaveLength(1);
  });

  it('is the owner’s to want always or never, and a change holds at once', async () => {
    const { mac, change } = await aMac({ policy: 'always' });
    await change({ batt: PMSET.battery, busy: true });
    expect(mac.held).toHaveLength(1);
    await change({ policy: 'never' });
    expect(mac.held).toEqual([]);
  });

  it('is given up for a run whose program does not live, and tried again with the next', async () => {
    const { mac, clock, change } = await aMac();
    await change({ busy: true, dies: true });
    await clock.advance(600_000);
    expect(mac.holds).toBe(1);
    await change({ busy: false });
    await change({ busy: true, dies: false });
    expect(mac.held).toHaveLength(1);
  });

  it('ends with the daemon', async () => {
    const { mac, change, end } = await aMac({ platform: 'linux' });
    await change({ busy: true });
    expect(mac.held).toHaveLength(1);
    await end();
    expect(mac.held).toEqual([]);
  });
});

describe('the power source', () => {
  it.each([
    { text: PMSET.mains, is: { source: 'mains', percent: 87 } },
    { text: PMSET.battery, is: { source: 'battery', percent: 42 } },
    { text: PMSET.desktop, is: { source: 'mains', percent: null } },
    { text: PMSET.ups, is: { source: 'battery', percent: 100 } },
    { text: 'what', is: { source: 'unknown', percent: null } },
  ])('of a Mac is read from pmset: $is', ({ text, is }) => {
    expect(readPmset(text)).toEqual(is);
  });

  const supplies = {
    'a desktop': {},
    'a laptop on mains': {
      AC: { type: 'Mains', online: '1' },
      BAT0: { type: 'Battery', status: 'Charging', capacity: '55' },
    },
    'a laptop on battery': {
      AC: { type: 'Mains', online: '0' },
      BAT0: { type: 'Battery', status: 'Discharging', capacity: '54' },
    },
    'a desktop with a wireless mouse': {
      hid: { type: 'Battery', scope: 'Device', status: 'Discharging', capacity: '9' },
    },
  } as Record<string, Record<string, Record<string, string>>>;
  it.each([
    { what: 'a desktop', is: { source: 'mains', percent: null } },
    { what: 'a laptop on mains', is: { source: 'mains', percent: 55 } },
    { what: 'a laptop on battery', is: { source: 'battery', percent: 54 } },
    { what: 'a desktop with a wireless mouse', is: { source: 'mains', percent: null } },
  ])('of $what on Linux is read from sysfs', async ({ what, is }) => {
    const files = supplies[what] ?? {};
    const ports = {
      platform: 'linux' as const,
      run: () => Promise.reject(new Error('nothing is run here')),
      list: async () => Object.keys(files),
      read: async (file: string) => {
        const [name = '', field = ''] = file.split('/').slice(-2);
        const text = files[name]?.[field];
        if (text === undefined) throw new Error('ENOENT');
        return `${text}\n`;
      },
    };
    expect(await readPowerSource(ports, SILENT_LOG)).toEqual(is);
  });
});
