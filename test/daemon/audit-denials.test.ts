import { describe, expect, it } from 'vitest';
import { auditDenials } from '../../src/daemon/audit-denials.ts';
import { RunmeshError } from '../../src/kit/errors.ts';
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
    // A hundred of the one without a run, and the other run's.
    expect(recorded).toHaveLength(101);
    expect(JSON.stringify(recorded.at(-1)).length).toBeLessThan(400);
    await clock.advance(60_000);
    denied({ host: 'evil.example', port: 443 });
    expect(recorded).toHaveLength(102);
  });

  it('of one run keep no other run’s out of the record, of all together a thousand a minute', () => {
    const owners: (string | null | undefined)[] = [];
    const tell = auditDenials((_type, _detail, runId) => void owners.push(runId), new FakeClock());
    for (let run = 0; run < 12; run += 1)
      for (let port = 1; port <= 150; port += 1)
        tell({ host: 'evil.example', port, why: 'no', owner: `run_${run}` });
    expect(owners.filter((owner) => owner === 'run_9')).toHaveLength(100);
    expect(owners).toHaveLength(1_000);
  });

  it('that a full disk has no room for are recorded when they are tried again', () => {
    let failure: Error | undefined = new RunmeshError('disk_full', 'The disk is full.');
    let recorded = 0;
    const tell = auditDenials(() => {
      if (failure !== undefined) throw failure;
      recorded += 1;
    }, new FakeClock());
    const denied = { host: 'evil.example', port: 443, why: 'no', owner: 'run_1' };
    tell(denied);
    failure = new Error('the disk is damaged');
    expect(() => tell(denied)).toThrow(failure);
    failure = undefined;
    tell(denied);
    tell(denied);
    expect(recorded).toBe(1);
  });
});
