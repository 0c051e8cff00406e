import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import { type DeviceConfig, deviceConfig } from './config-schema.ts';
import { knownKeysAt, nearKeys } from './near-keys.ts';
import type { DevicePaths } from './paths.ts';
import { replaceFile } from './replace-file.ts';

type ConfigFile = Pick<DevicePaths, 'config'>;
type Json = Record<string, unknown>;

/** The configuration in effect, defaults filled in. Throws `config_invalid` naming file, key and what was expected. */
export function readConfig(paths: ConfigFile): DeviceConfig {
  return validate(paths, readJson(paths));
}

/** The value in effect of a dotted key (`workspaces.default`), or of everything; `undefined` where it is not set. */
export function getConfig(paths: ConfigFile, key?: string): unknown {
  let value: unknown = readConfig(paths);
  if (key === undefined) return value;
  const segments = splitKey(paths, key);
  for (const segment of segments) value = own(value, segment);
  if (value === undefined) refuseUnknown(paths, segments);
  return value;
}

/**
 * Sets one dotted key and writes the file, but only when the whole is valid after it. `value` may be the text of a
 * command line: where the key wants something else than text, it is read as JSON.
 */
export function setConfig(paths: ConfigFile, key: string, value: unknown): DeviceConfig {
  const segments = splitKey(paths, key);
  const text = asItIsThere(paths, segments, value);
  const asGiven = withValue(readJson(paths), segments, text);
  const readings = [asGiven];
  const parsed = typeof text === 'string' ? parseJson(text) : undefined;
  if (parsed !== undefined) readings.push(withValue(readJson(paths), segments, parsed));
  const valid = readings.find((reading) => deviceConfig.safeParse(reading).success);
  const config = validate(paths, valid ?? readings.at(-1) ?? asGiven);
  writeJson(paths, valid ?? asGiven);
  return config;
}

/** Removes one dotted key, so that its default is in effect again. Answers whether it was there. */
export function unsetConfig(paths: ConfigFile, key: string): boolean {
  const segments = splitKey(paths, key);
  const json = readJson(paths);
  const last = segments.at(-1) ?? '';
  const parent = segments.slice(0, -1).reduce<unknown>(own, json);
  if (own(parent, last) === undefined) {
    refuseUnknown(paths, segments);
    return false;
  }
  delete (parent as Json)[last];
  validate(paths, json);
  writeJson(paths, json);
  return true;
}

function validate({ config: file }: ConfigFile, json: unknown): DeviceConfig {
  const parsed = deviceConfig.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new RunmeshError(
    'config_invalid',
    `${file}: ${parsed.error.issues.map(explain).join('; ')}. Change it with \`runmesh config set\`, or edit the file.`,
    { details: { file, keys: parsed.error.issues.map(({ path }) => path.join('.')) } },
  );
}

function explain(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const at = issue.path.map(String);
    return issue.keys.map((key) => unknownKey([...at, key])).join('; ');
  }
  const reason = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return `${issue.path.join('.') || 'the file'}: ${reason}`;
}

function unknownKey(segments: readonly string[]): string {
  const known = knownKeysAt(deviceConfig, segments.slice(0, -1));
  const near = nearKeys(segments.at(-1) ?? '', known);
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `known here: ${known.join(', ')}`;
  return `${segments.join('.')}: there is no such key (${hint})`;
}

/** Throws `config_unknown_key` for a key no configuration can have; returns where it is merely not set. */
function refuseUnknown({ config: file }: ConfigFile, segments: readonly string[]): void {
  for (let depth = 1; depth <= segments.length; depth += 1) {
    const known = knownKeysAt(deviceConfig, segments.slice(0, depth - 1));
    if (known.includes('*') || known.includes(segments[depth - 1] ?? '')) continue;
    throw new RunmeshError('config_unknown_key', `${file}: ${unknownKey(segments.slice(0, depth))}.`);
  }
}

function splitKey(paths: ConfigFile, key: string): string[] {
  const segments = key.split('.');
  if (segments.some((segment) => segment === '' || segment === '__proto__')) {
    throw new RunmeshError(
      'config_unknown_key',
      `${paths.config}: "${key}" is not a key. Write it with dots, as in workspaces.default.`,
    );
  }
  return segments;
}

/** A workspace and a shell must be there when they are named; a relative path means the caller's folder. */
function asItIsThere({ config: file }: ConfigFile, segments: readonly string[], value: unknown): unknown {
  const key = segments.join('.');
  const isWorkspace = segments[0] === 'workspaces' && segments.length > 1;
  if (typeof value !== 'string' || (!isWorkspace && key !== 'shell')) return value;
  const path = resolve(value);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (isWorkspace ? stats?.isDirectory() : stats?.isFile()) return path;
  const wanted = isWorkspace
    ? 'folder. Make it first'
    : 'program. Give the path of a shell, such as /bin/bash';
  throw new RunmeshError('config_invalid', `${file}: ${key}: ${path} is not a ${wanted}.`);
}

function withValue(json: Json, segments: readonly string[], value: unknown): Json {
  const [head, ...rest] = segments;
  if (head === undefined) return json;
  if (rest.length === 0) return { ...json, [head]: value };
  const child = own(json, head);
  const inner = typeof child === 'object' && child !== null ? (child as Json) : {};
  return { ...json, [head]: withValue(inner, rest, value) };
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Json)[key];
}

function readJson({ config: file }: ConfigFile): Json {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw new RunmeshError(
      'config_unreadable',
      `${file} cannot be read (${codeOf(error)}). Its folder must be one that you can read; RUNMESH_HOME says where it is.`,
      {
        cause: error,
      },
    );
  }
  const json = parseJson(text);
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
  throw new RunmeshError(
    'config_invalid',
    `${file}: the file is not a JSON object. Nothing was changed; mend it by hand, or move it away to begin anew.`,
  );
}

function writeJson({ config: file }: ConfigFile, json: Json): void {
  replaceFile(file, `${JSON.stringify(json, null, 2)}\n`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
