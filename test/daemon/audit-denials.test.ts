import { describe, expect, it } from 'vitest';
import { auditDenials } from '../../src/daemon/audit-denials.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('refused connections', () => {
  it('are recorded once a minute an address of a run, a hundred addresses a minute, with names of bounded length', async () => {
    const recorded: unknown[] = [];
    const clock = new FakeClock();
    const tell = auditDenials((type, detail, runId) => void recorded.push([type, detail, runId]), clock);
    const why = 'host is not on the allow list';
    const denied = (address: { host: string; port: number | null }, owner?: string) =>
      tell({ ...address, why, owner });
    for (let n = 0; n < 50; n += 1) denied({ host: 'evil.example', port: 443 });
    denied({ host: 'evil.example', port: null });
    denied({ host: 'evil.example', port: 443 }, 'run_2');
    expect(recorded).toEqual([
      ['network_denied', { host: 'evil.example', port: 443, why }, undefined],
      ['network_denied', { host: 'evil.example', port: null, why }, undefined],
      ['network_denied', { host: 'evil.example', port: 443, why }, 'run_2'],
    ]);
    for (let n = 0; n < 500; n += 1) denied({ host: `${n}.${'x'.repeat(1_000)}`, port: 1 });
    expect(recorded).toHaveLength(100);
    expect(JSON.stringify(recorded.at(-1)).length).toBeLessThan(400);
    await clock.advance(60_000);
    denied({ host: 'evil.example', port: 443 });
    expect(recorded).toHaveLength(101);
  });
});
