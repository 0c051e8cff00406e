import { join } from 'node:path';
import type { Random } from '../../kit/random.ts';
import { type Database, openDatabase } from '../../kit/sqlite.ts';
import { MIGRATIONS } from './migrations.ts';

type SqlValue = string | number | null;
type Statement = ReturnType<Database['prepare']>;

/** The mesh's truth: one SQLite file. The operations are functions in the files beside this one. */
export class Store {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();
  /** Random, made with the file: events the mesh itself writes are numbered under it. */
  readonly meshEpoch: string;

  constructor(options: { dataDir: string; random: Random }) {
    this.#database = openDatabase({ path: join(options.dataDir, 'mesh.db'), migrations: MIGRATIONS });
    this.run("INSERT OR IGNORE INTO meta (name, value) VALUES ('mesh_epoch', ?)", options.random.uuid());
    this.meshEpoch =
      this.get<{ value: string }>("SELECT value FROM meta WHERE name = 'mesh_epoch'")?.value ?? '';
  }

  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  /** Runs a statement and answers how many rows it changed. */
  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** All of `work` is synced to disk when this returns, or none of it. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
