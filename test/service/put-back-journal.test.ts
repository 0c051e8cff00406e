import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireLock } from '../../src/device/lock.ts';
import { devicePaths } from '../../src/device/paths.ts';
import { listBackups, openDatabase, schemaOf } from '../../src/kit/sqlite.ts';
import { markBackups, putBackJournal } from '../../src/service/versions/put-back-journal.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';

const OLD = [
  'CREATE TABLE runs (id TEXT PRIMARY KEY, state TEXT); CREATE TABLE meta (name TEXT, value TEXT)',
];
const NEW = [...OLD, 'ALTER TABLE runs ADD COLUMN mood TEXT; CREATE TABLE moods (run TEXT)'];

/** A journal of the old schema with a run in it, and what a newer version does to it before it fails. */
function aJournal(then: (db: ReturnType<typeof openDatabase>) => void = () => {}, migrations = NEW) {
  const paths = devicePaths({ RUNMESH_HOME: tempDir() }, 'linux', '/');
  const old = openDatabase({ path: paths.journal, migrations: OLD });
  old.exec("INSERT INTO runs VALUES ('run_1', 'running'), ('run_2', NULL)");
  old.close();
  const before = markBackups(paths);
  const backups: string[] = [];
  const newer = openDatabase({ path: paths.journal, migrations, onBackup: (one) => backups.push(one) });
  then(newer);
  newer.close();
  return { paths, before, putBack: () => putBackJournal(paths, before, new FakeClock()) };
}

describe('the journal under a version that failed', () => {
  it('is the copy from before again where only its layout was changed', () => {
    const { paths, putBack } = aJournal();
    expect(schemaOf(paths.journal)).toBe(2);
    expect(putBack()).toBe('put_back');
    const db = openDatabase({ path: paths.journal, migrations: OLD });
    expect(db.prepare('SELECT id FROM runs ORDER BY id').all()).toMatchObject([
      { id: 'run_1' },
      { id: 'run_2' },
    ]);
    db.close();
    expect(listBackups(paths.journal)).toEqual([]);
    expect(putBack()).toBe('untouched');
  });

  it.each([
    ['a row was added', "INSERT INTO runs VALUES ('run_3', 'queued', NULL)"],
    ['a row was changed', "UPDATE runs SET state = 'done' WHERE id = 'run_1'"],
    ['a row was changed from nothing', "UPDATE runs SET state = 'queued' WHERE id = 'run_2'"],
    ['a row was taken away', "DELETE FROM runs WHERE id = 'run_2'"],
    ['one row took the place of another', "UPDATE runs SET id = 'run_9' WHERE id = 'run_2'"],
    ['a table that is new has something in it', "INSERT INTO moods VALUES ('run_1')"],
  ])('stays where %s, since what was committed may have been done', (_what, sql) => {
    const { paths, putBack } = aJournal((db) => db.exec(sql));
    expect(putBack()).toBe('kept');
    expect(schemaOf(paths.journal)).toBe(2);
    expect(listBackups(paths.journal)).toHaveLength(1);
  });

  it('stays where the new version kept its layout, or an older copy lies beside it', () => {
    expect(aJournal((db) => db.exec("INSERT INTO meta VALUES ('a', 'b')"), OLD).putBack()).toBe('untouched');
    const { paths } = aJournal();
    const later = markBackups(paths);
    expect(putBackJournal(paths, later, new FakeClock())).toBe('untouched');
    expect(schemaOf(paths.journal)).toBe(2);
  });

  it('is not touched under a daemon that has it open', () => {
    const { paths, putBack } = aJournal();
    const lock = acquireLock(paths, { pid: 7, startedAt: 'now' });
    expect(putBack).toThrow(expect.objectContaining({ code: 'already_running' }));
    lock.release();
    expect(existsSync(join(paths.home, 'journal.db'))).toBe(true);
    expect(putBack()).toBe('put_back');
  });
});
