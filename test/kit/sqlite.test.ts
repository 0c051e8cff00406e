import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSoundSqlite, openDatabase } from '../../src/kit/sqlite.ts';
import { tempDir } from '../support/temp.ts';

const MIGRATIONS = [
  'CREATE TABLE words (word TEXT NOT NULL UNIQUE)',
  'ALTER TABLE words ADD COLUMN count INTEGER',
];

describe('a database', () => {
  it('is in WAL mode and syncs every commit', () => {
    const db = openDatabase({ path: join(tempDir(), 'a.db'), migrations: MIGRATIONS });
    expect(db.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    expect(db.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 });
    db.close();
  });

  it('waits for another process that has the file to itself for a moment', async () => {
    const path = join(tempDir(), 'a.db');
    const holder = `const { createRequire } = require('node:module');
      const { DatabaseSync } = createRequire(${JSON.stringify(import.meta.filename)})('@photostructure/sqlite');
      const db = new DatabaseSync(${JSON.stringify(path)});
      db.exec('CREATE TABLE other (a); BEGIN EXCLUSIVE; INSERT INTO other VALUES (1)');
      process.stdout.write('held');
      setTimeout(() => db.exec('COMMIT'), 500);`;
    const child = spawn(process.execPath, ['--eval', holder], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const db = openDatabase({ path, migrations: MIGRATIONS });
    expect(db.prepare('SELECT a FROM other').all()).toHaveLength(1);
    db.close();
  });

  it('undoes a transaction whole when its work throws, and takes a nested one as part of it', () => {
    const db = openDatabase({ path: join(tempDir(), 'a.db'), migrations: MIGRATIONS });
    const insert = db.prepare('INSERT INTO words (word) VALUES (?)');
    expect(() =>
      db.transaction(() => {
        insert.run('one');
        db.transaction(() => insert.run('two'));
        throw new Error('no');
      }),
    ).toThrow('no');
    db.transaction(() => insert.run('three'));
    expect(db.prepare('SELECT word FROM words').all()).toEqual([expect.objectContaining({ word: 'three' })]);
    db.close();
  });

  it('does not wait for the disk in an unsynced transaction, and does in every one after it', () => {
    const db = openDatabase({ path: join(tempDir(), 'a.db'), migrations: MIGRATIONS });
    const insert = db.prepare('INSERT INTO words (word) VALUES (?)');
    const synchronous = () => (db.prepare('PRAGMA synchronous').get() as { synchronous: number }).synchronous;
    const write = (word: string) => () => {
      insert.run(word);
      return synchronous();
    };
    expect(db.transaction(write('one'), 'unsynced')).toBe(1);
    expect(db.transaction(write('two'))).toBe(2);
    expect(() => db.transaction(write('one'), 'unsynced')).toThrow(/UNIQUE/);
    expect(synchronous()).toBe(2);
    expect(db.prepare('SELECT word FROM words').all()).toHaveLength(2);
    db.close();
  });

  it('migrates forward step by step, and keeps a copy that has what was still in the WAL', () => {
    const path = join(tempDir(), 'a.db');
    const old = openDatabase({ path, migrations: MIGRATIONS.slice(0, 1) });
    old.prepare('INSERT INTO words (word) VALUES (?)').run('kept');
    // A killed process leaves the file as it is while the connection is open: the row is in the WAL alone.
    const killed = join(tempDir(), 'a.db');
    for (const suffix of ['', '-wal']) copyFileSync(path + suffix, killed + suffix);
    old.close();
    const backups: string[] = [];
    const db = openDatabase({ path: killed, migrations: MIGRATIONS, onBackup: (one) => backups.push(one) });
    db.prepare('INSERT INTO words (word, count) VALUES (?, ?)').run('a', 1);
    db.close();
    expect(backups).toEqual([`${killed}.schema-1.backup`]);
    const copy = openDatabase({ path: `${killed}.schema-1.backup`, migrations: MIGRATIONS.slice(0, 1) });
    expect(copy.prepare('SELECT * FROM words').all()).toEqual([expect.objectContaining({ word: 'kept' })]);
    copy.close();
  });

  it('refuses a file that a newer version wrote', () => {
    const path = join(tempDir(), 'a.db');
    openDatabase({ path, migrations: MIGRATIONS }).close();
    expect(() => openDatabase({ path, migrations: MIGRATIONS.slice(0, 1) })).toThrow(/newer version/);
  });

  it('says which file is damaged or cannot be opened, and what to do', () => {
    const path = join(tempDir(), 'a.db');
    writeFileSync(path, 'not a database at all'.repeat(1_000));
    expect(() => openDatabase({ path, migrations: MIGRATIONS })).toThrow(`${path} is damaged`);
    const nowhere = join(tempDir(), 'nowhere', 'a.db');
    expect(() => openDatabase({ path: nowhere, migrations: MIGRATIONS })).toThrow(
      `${nowhere} cannot be opened`,
    );
  });

  it('trusts only releases of SQLite that cannot lose a commit to a WAL reset', () => {
    const sound = ['3.51.3', '3.52.0', '3.50.7', '3.44.6', '4.0.0'];
    const unsound = ['3.51.2', '3.50.6', '3.49.9', '3.45.1', '3.44.5', '3.7.0'];
    expect(sound.filter((version) => !isSoundSqlite(version))).toEqual([]);
    expect(unsound.filter(isSoundSqlite)).toEqual([]);
  });
});
