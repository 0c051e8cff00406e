import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '../kit/errors.ts';
import type { Finding } from '../kit/finding.ts';
import { openDatabase } from '../kit/sqlite.ts';
import type { RunCommand } from '../service/run-command.ts';

/** Opens a pty, searches with ripgrep and asks SQLite, since a module that loads may still not work. */
export async function lookAtNativeModules({
  run,
  platform,
}: {
  run: RunCommand;
  platform: NodeJS.Platform;
}): Promise<Finding[]> {
  return [await lookAtPty(platform), await lookAtRipgrep(run), lookAtSqlite()];
}

async function lookAtPty(platform: NodeJS.Platform): Promise<Finding> {
  const title = 'Terminals';
  const helper = platform === 'darwin' ? findSpawnHelper() : undefined;
  if (helper !== undefined && (statSync(helper).mode & 0o111) === 0) {
    return {
      code: 'spawn_helper_mode',
      title,
      severity: 'fault',
      says: `${helper} may not be executed, so no command can be run.`,
      todo: `chmod +x "${helper}"`,
      fix: 'spawn_helper_mode',
    };
  }
  try {
    const exitCode = await runOnPty();
    if (exitCode === PROBE_EXIT)
      return { code: 'pty', title, severity: 'ok', says: 'A command runs on a pty.' };
    throw new Error(`a command that exits with ${PROBE_EXIT} came back with ${exitCode}`);
  } catch (error) {
    return {
      code: 'pty_broken',
      title,
      severity: 'fault',
      says: `No command can be run on a pty: ${messageOf(error)}.`,
      todo: 'Install the package anew: npm install --global runmesh-agent',
    };
  }
}

/** node-pty's helper for macOS, whose execute bit some installers lose. */
export function findSpawnHelper(from: string = import.meta.url): string | undefined {
  try {
    const name = `@lydell/node-pty-darwin-${arch()}/package.json`;
    const root = dirname(createRequire(from).resolve(name));
    const entry = readdirSync(root, { recursive: true, encoding: 'utf8' }).find((path) =>
      /(^|\/)spawn-helper$/.test(path),
    );
    const file = entry === undefined ? undefined : join(root, entry);
    return file !== undefined && existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

async function runOnPty(): Promise<number> {
  const { spawn } = await import('node-pty');
  const pty = spawn('/bin/sh', ['-c', `exit ${PROBE_EXIT}`], { cols: 80, rows: 24, cwd: '/', env: {} });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not end in 10 s')), PROBE_MS);
  });
  const exited = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
  return Promise.race([exited, late]).finally(() => clearTimeout(timer));
}

async function lookAtRipgrep(run: RunCommand): Promise<Finding> {
  const title = 'Search';
  try {
    const { rgPath } = await import('@vscode/ripgrep');
    const { exitCode, stdout } = await run(rgPath, ['--version']);
    if (exitCode !== 0) throw new Error(`${rgPath} exits with ${exitCode}`);
    return { code: 'ripgrep', title, severity: 'ok', says: `${stdout.split('\n')[0]} runs.` };
  } catch (error) {
    return {
      code: 'ripgrep_broken',
      title,
      severity: 'fault',
      says: `ripgrep does not run: ${messageOf(error)}.`,
      todo: 'Install the package anew: npm install --global runmesh-agent',
    };
  }
}

function lookAtSqlite(): Finding {
  const title = 'SQLite';
  try {
    const db = openDatabase({ path: ':memory:', migrations: [] });
    const { version } = db.prepare('select sqlite_version() as version').get() as { version: string };
    db.close();
    return { code: 'sqlite', title, severity: 'ok', says: `SQLite ${version} opens.` };
  } catch (error) {
    return {
      code: 'sqlite_broken',
      title,
      severity: 'fault',
      says: `SQLite cannot be opened: ${messageOf(error)}.`,
      todo: 'Install the package anew: npm install --global runmesh-agent',
    };
  }
}

const PROBE_EXIT = 7;
const PROBE_MS = 10_000;
