import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { approvalPorts } from '../../src/daemon/approval-ports.ts';
import { liveConfig } from '../../src/daemon/live-config.ts';
import { devicePaths } from '../../src/device/paths.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';

it('a rule that a broken config cannot keep is refused in words, and is not audited', () => {
  const dir = tempDir();
  const paths = devicePaths({ RUNMESH_HOME: dir, TMPDIR: dir }, process.platform, dir);
  const { config, reload } = liveConfig(paths);
  const audited: string[] = [];
  const ports = approvalPorts(
    { config, paths, clock: new FakeClock(), log: pino({ level: 'silent' }), reloadConfig: reload },
    { platform: 'linux', homedir: dir },
    (type) => void audited.push(type),
    () => ({ status: 'done' }),
  );
  writeFileSync(join(dir, 'config.json'), '{ "approvals": { "allow": [');
  const keep = () => ports.allowAlways({ prefix: ['gh', 'pr', 'list'], opens: 'outside_sandbox' });
  expect(keep).toThrow(expect.objectContaining({ code: 'config_unwritable' }));
  expect(audited).toEqual([]);
  expect(config.approvals.allow).toEqual([]);
});
