import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Audit, beginEpoch, hashOf, openAudit } from '../../src/device/audit/audit.ts';
import { configHash, noteConfig } from '../../src/device/audit/note-config.ts';
import { readAudit, readUnsent, recordMirrored } from '../../src/device/audit/read-audit.ts';
import { verifyAudit } from '../../src/device/audit/verify-audit.ts';
import { createRedactor } from '../../src/guard/redact.ts';
import { systemRandom } from '../../src/kit/random.ts';
import type { AuditType } from '../../src/protocol/audit.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';

function open(path = join(tempDir(), 'audit.db'), clock = new FakeClock()): Audit & { path: string } {
  const audit = openAudit({
    path,
    clock,
    random: systemRandom,
    mask: (text) => text.replaceAll('s3cret', '[x]'),
  });
  onTestFinished(() => {
    try {
      audit.close();
    } catch {
      // A test closed it.
    }
  });
  return { ...audit, path };
}

/** A record with five rows: the first says that it was begun. */
function filled(): Audit & { path: string } {
  const audit = open();
  for (const n of [2, 3, 4, 5]) audit.record('command', { cmd: `echo ${n}` }, `run-${n % 2}`);
  return audit;
}

/** As somebody with an editor would: without the triggers that stop mistakes. */
function tamper(audit: Audit, sql: string): void {
  audit.db.exec(`DROP TRIGGER records_stay; DROP TRIGGER records_last; ${sql}`);
}

describe('the audit of a device', () => {
  it('says in its first record that it was begun, and each record fits the one before it', () => {
    const audit = filled();
    const records = readAudit(audit, { limit: 100 });
    expect(records.map(({ n, type }) => [n, type])).toEqual([
      [1, 'audit_begun'],
      [2, 'command'],
      [3, 'command'],
      [4, 'command'],
      [5, 'command'],
    ]);
    expect(verifyAudit(audit)).toEqual({ intact: true, records: 5, mirrored: 0 });
  });

  it('is read by run, since an instant, and the newest only, oldest first', async () => {
    const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
    const audit = open(undefined, clock);
    audit.record('command', { a: 1 }, 'a');
    await clock.advance(60_000);
    audit.record('command', { a: 2 }, 'b');
    expect(readAudit(audit, { runId: 'a', limit: 9 }).map(({ n }) => n)).toEqual([2]);
    expect(readAudit(audit, { limit: 2 }).map(({ n }) => n)).toEqual([2, 3]);
    const since = Date.parse('2026-01-01T00:00:30Z');
    expect(readAudit(audit, { since, limit: 9 }).map(({ n }) => n)).toEqual([3]);
  });

  it('masks secrets before it writes', () => {
    const audit = open();
    audit.record('command', { cmd: 'use s3cret now' });
    expect(readAudit(audit, { limit: 1 })).toMatchObject([{ detail: { cmd: 'use [x] now' } }]);
  });

  it('waits for the disk before what it tells of happens, and not after', () => {
    const audit = open();
    const transaction = vi.spyOn(audit.db, 'transaction');
    const waits = (types: readonly AuditType[]) =>
      types.filter((type) => {
        audit.record(type, {});
        return transaction.mock.lastCall?.[1] === 'synced';
      });
    const coming = ['link', 'unlink', 'config', 'run_accepted', 'command', 'tool'] as const;
    const asked = ['approval_requested', 'approval_resolved'] as const;
    expect(waits(coming)).toEqual(coming);
    expect(waits(asked)).toEqual(asked);
    expect(waits(['file_change', 'run_ended', 'network_denied'])).toEqual([]);
    // FULL, which an unsynced record must leave behind it.
    expect(audit.db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
  });

  it('masks a secret with signs in it that JSON writes another way', () => {
    const path = join(tempDir(), 'audit.db');
    const secret = 'a"quoted\\secret"word';
    const audit = openAudit({
      path,
      clock: new FakeClock(),
      random: systemRandom,
      mask: createRedactor([secret]).text,
    });
    onTestFinished(() => audit.close());
    audit.record('command', { arguments: JSON.stringify({ cmd: `use ${secret} now` }), names: [secret] });
    expect(JSON.stringify(readAudit(audit, { limit: 1 }))).not.toMatch(/quoted|word/);
  });

  it('is changed and cut by nobody by mistake', () => {
    const audit = filled();
    expect(() => audit.db.exec('UPDATE records SET type = 1 WHERE n = 2')).toThrow('never changed');
    expect(() => audit.db.exec('DELETE FROM records WHERE n = 2')).toThrow('never cut');
  });

  it.each([
    ['an edited record', `UPDATE records SET detail = '{"cmd":"ls"}' WHERE n = 3`, { n: 3, why: 'changed' }],
    ['an edited time', `UPDATE records SET at = '2020' WHERE n = 2`, { n: 2, why: 'changed' }],
    ['a record that is no JSON', `UPDATE records SET detail = '{' WHERE n = 4`, { n: 4, why: 'changed' }],
    ['a removed record', 'DELETE FROM records WHERE n = 3', { n: 3, why: 'missing' }],
    ['a removed first record', 'DELETE FROM records WHERE n = 1', { n: 1, why: 'missing' }],
    [
      'a removed record with the rest moved up',
      'DELETE FROM records WHERE n = 3; UPDATE records SET n = n - 1 WHERE n > 3',
      { n: 3, why: 'changed' },
    ],
    [
      'two that changed places',
      'UPDATE records SET n = -n WHERE n IN (3, 4); UPDATE records SET n = 4 WHERE n = -3; UPDATE records SET n = 3 WHERE n = -4',
      { n: 3, why: 'changed' },
    ],
  ])('names %s', (_name, sql, verdict) => {
    const audit = filled();
    tamper(audit, sql);
    expect(verifyAudit(audit)).toEqual({ intact: false, ...verdict });
  });

  it('names the record after one whose hash was made to fit', () => {
    const audit = filled();
    const [, before, changed] = readAudit(audit, { limit: 5 });
    if (before === undefined || changed === undefined) throw new Error('too few records');
    const { hash: _, ...record } = { ...changed, detail: { cmd: 'harmless' } };
    tamper(
      audit,
      `UPDATE records SET detail = '{"cmd":"harmless"}', hash = '${hashOf(before.hash, record)}' WHERE n = 3`,
    );
    expect(verifyAudit(audit)).toEqual({ intact: false, n: 4, why: 'changed' });
  });

  it('names an end that was cut off where the mesh had acknowledged it, and cannot see one it had not', () => {
    const audit = filled();
    recordMirrored(audit, readUnsent(audit, 9)?.epoch ?? '', 4);
    tamper(audit, 'DELETE FROM records WHERE n > 4');
    expect(verifyAudit(audit)).toEqual({ intact: true, records: 4, mirrored: 4 });
    audit.db.exec('DELETE FROM records WHERE n > 3');
    expect(verifyAudit(audit)).toEqual({ intact: false, n: 4, why: 'cut' });
  });

  it('gives the mesh what it lacks of the present epoch only', () => {
    const audit = filled();
    const first = readUnsent(audit, 3);
    expect(first?.records.map(({ n }) => n)).toEqual([1, 2, 3]);
    recordMirrored(audit, first?.epoch ?? '', 3);
    expect(readUnsent(audit, 9)?.records.map(({ n }) => n)).toEqual([4, 5]);
    beginEpoch(audit, systemRandom, { reason: 'linked' });
    const next = readUnsent(audit, 9);
    expect(next?.records.map(({ n, type }) => [n, type])).toEqual([[6, 'audit_begun']]);
    expect(next?.epoch).not.toBe(first?.epoch);
    expect(next?.previousHash).toBe(readAudit(audit, { limit: 2 })[0]?.hash);
    expect(verifyAudit(audit)).toMatchObject({ intact: true, records: 6 });
  });

  it('is written by two processes at once without losing its thread', () => {
    const audit = filled();
    const other = open(audit.path);
    for (let n = 0; n < 20; n += 1) (n % 2 === 0 ? audit : other).record('tool', { n });
    expect(verifyAudit(audit)).toMatchObject({ intact: true, records: 25 });
  });

  it('is set aside when it cannot be read, and the next says so', () => {
    const path = join(tempDir(), 'audit.db');
    writeFileSync(path, 'this is no database, and long enough to be looked at as one'.repeat(100));
    const audit = open(path);
    expect(readAudit(audit, { limit: 1 })).toMatchObject([
      { n: 1, type: 'audit_begun', detail: { setAside: expect.stringContaining('.damaged-') } },
    ]);
  });

  it('notices a config file that no command changed', () => {
    const audit = open();
    const paths = { config: join(tempDir(), 'config.json') };
    audit.record('config', { key: 'a', configHash: configHash(paths) });
    noteConfig(audit, paths);
    writeFileSync(paths.config, '{"sandbox":{"mode":"danger-full-access"}}');
    noteConfig(audit, paths);
    noteConfig(audit, paths);
    expect(readAudit(audit, { limit: 9 }).map(({ type }) => type)).toEqual([
      'audit_begun',
      'config',
      'config_edited',
    ]);
  });
});
