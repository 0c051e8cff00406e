import { openUnmigrated } from './sqlite.ts';

/**
 * Whether a database that was migrated has what the copy from before has, and nothing else: the same rows in the copy's
 * tables, by the copy's columns, and nothing in tables that are new. Both must be open nowhere else.
 */
export function hasSameContent(path: string, copy: string): boolean {
  const db = openUnmigrated(path);
  try {
    db.prepare('ATTACH ? AS copy').run(copy);
    const tables = (schema: string) =>
      names(db, `SELECT name FROM ${schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`);
    const [now, before] = [tables('main'), tables('copy')];
    const same = now.every((table) =>
      before.includes(table) ? isSameTable(db, table) : countOf(db, `main.${quote(table)}`) === 0,
    );
    return same && before.every((table) => now.includes(table));
  } finally {
    db.close();
  }
}

type Connection = ReturnType<typeof openUnmigrated>;

function isSameTable(db: Connection, table: string): boolean {
  const columns = (schema: string) => names(db, `PRAGMA ${schema}.table_info(${quote(table)})`);
  const [now, before] = [columns('main'), columns('copy')];
  if (!before.every((column) => now.includes(column))) return false;
  const rows = (schema: string) => `SELECT ${before.map(quote).join(', ')} FROM ${schema}.${quote(table)}`;
  const beyond = (one: string, other: string) => countOf(db, `(${rows(one)} EXCEPT ${rows(other)})`);
  const sizes = ['main', 'copy'].map((schema) => countOf(db, `${schema}.${quote(table)}`));
  return sizes[0] === sizes[1] && beyond('main', 'copy') === 0 && beyond('copy', 'main') === 0;
}

function names(db: Connection, sql: string): string[] {
  return (db.prepare(sql).all() as { name: string }[]).map(({ name }) => name);
}

function countOf(db: Connection, source: string): number {
  return (db.prepare(`SELECT count(*) AS count FROM ${source}`).get() as { count: number }).count;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
