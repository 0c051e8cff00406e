import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import semver from 'semver';
import type { DevicePaths } from '../../device/paths.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { RunCommand } from '../run-command.ts';
import { assertOwnFolder, PACKAGE, programIn, readCurrent, versionOf, versionPaths } from './versions.ts';

/** Which version: a number or a tag of the registry's (`latest`), or a packed tarball. */
export type VersionSource = { to: string } | { tarball: string };

export interface InstallVersionOptions {
  paths: Pick<DevicePaths, 'home'>;
  source: VersionSource;
  run: RunCommand;
  /** The Node that will run it. */
  nodeFile: string;
  nodeVersion: string;
}

/** The version a source would give, without installing it; undefined where only installing shows it (a tarball). */
export async function resolveVersion({ source, run }: InstallVersionOptions): Promise<string | undefined> {
  if ('tarball' in source) return undefined;
  const { exitCode, stdout, stderr } = await run('npm', ['view', specOf(source), 'version', '--json']);
  const found: unknown = exitCode === 0 && stdout.trim() !== '' ? JSON.parse(stdout) : undefined;
  if (typeof found === 'string' && semver.valid(found) !== null) return found;
  throw new RunmeshError(
    'version_not_found',
    `The registry has no ${specOf(source)}, or cannot be asked (${lastLine(stderr) || 'npm gives no reason'}). Check the version and the network.`,
  );
}

/**
 * Installs a version beside the others, and proves that it starts: install scripts off, in a folder that takes its name
 * only when everything is there. Answers the folder and its version; nothing is switched yet. What is installed already stays
 * as it lies: a daemon runs from there, and loads parts of itself when it needs them.
 */
export async function installVersion(
  options: InstallVersionOptions,
): Promise<{ version: string; folder: string }> {
  const { paths, source, run } = options;
  const { folder: versions } = versionPaths(paths);
  mkdirSync(versions, { recursive: true, mode: 0o700 });
  assertOwnFolder(versions);
  const staging = mkdtempSync(join(versions, STAGING));
  try {
    writeFileSync(join(staging, 'package.json'), '{ "private": true }\n');
    const flags = [
      '--ignore-scripts',
      '--omit=dev',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--no-save',
    ];
    const npm = ['install', ...flags, '--prefix', staging, specOf(source)];
    const { exitCode, stderr } = await run('npm', npm, { cwd: staging, timeoutMs: NPM_MS });
    if (exitCode !== 0) throw notInstallable(source, lastLine(stderr));
    const version = await provenVersion(staging, options);
    const folder = join(versions, version);
    const isInstalled = readCurrent(paths)?.version === version;
    rmSync(isInstalled ? staging : folder, { recursive: true, force: true });
    if (!isInstalled) renameSync(staging, folder);
    return { version, folder };
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    throw error;
  }
}

/** Folders of installations that never ended. Only whoever holds the update's lock may clear them. */
export const STAGING = '.staging-';

async function provenVersion(staging: string, options: InstallVersionOptions): Promise<string> {
  const { source, run, nodeFile, nodeVersion } = options;
  const version = versionOf(staging);
  if (version === undefined || semver.valid(version) === null)
    throw notInstallable(source, `it is no ${PACKAGE}`);
  const manifest = join(staging, 'node_modules', PACKAGE, 'package.json');
  const { engines } = JSON.parse(readFileSync(manifest, 'utf8')) as { engines?: { node?: string } };
  if (engines?.node !== undefined && !semver.satisfies(nodeVersion, engines.node)) {
    throw new RunmeshError(
      'version_needs_node',
      `${PACKAGE} ${version} needs Node ${engines.node}, and this is ${nodeVersion}. Install that Node, then try again.`,
    );
  }
  const program = programIn(staging);
  // In a home without a `current`, to which it would hand over.
  const env = { RUNMESH_HOME: staging };
  const started = existsSync(program) ? await run(nodeFile, [program, '--version'], { env }) : undefined;
  if (started?.stdout.trim() === version) return version;
  throw notInstallable(
    source,
    `${PACKAGE} ${version} does not start: ${lastLine(started?.stderr ?? 'it has no program')}`,
  );
}

function specOf(source: VersionSource): string {
  if ('tarball' in source) {
    const file = resolve(source.tarball);
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
    throw new RunmeshError('usage', `${file} is not a file. Pack one with: npm pack`);
  }
  // npm would take more than that after the @: addresses, repositories, folders.
  if (/^[A-Za-z0-9][A-Za-z0-9.+-]*$/.test(source.to)) return `${PACKAGE}@${source.to}`;
  throw new RunmeshError('usage', `"${source.to}" is not a version. Give one such as 1.2.3, or latest.`);
}

function notInstallable(source: VersionSource, why: string): RunmeshError {
  return new RunmeshError(
    'version_not_installable',
    `${specOf(source)} cannot be installed: ${why || 'npm gives no reason'}.`,
  );
}

function lastLine(text: string): string {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/A complete log of this run/.test(line));
  return (
    lines.find((line) => /npm error/.test(line) && !/code \w+$/.test(line)) ??
    lines.at(-1) ??
    ''
  ).trim();
}

const NPM_MS = 600_000;
