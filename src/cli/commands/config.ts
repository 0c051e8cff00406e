import { configHash } from '../../device/audit/note-config.ts';
import { getConfig, setConfig, unsetConfig } from '../../device/config.ts';
import { prepareFolders } from '../../device/paths.ts';
import type { CliContext } from '../context.ts';
import { openAuditOf, pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { tellDaemon } from '../tell-daemon.ts';

/** One verb on the device's config: a key in dots, and for `set` a value (text, or JSON where the key wants more). */
export async function configCommand(
  context: CliContext,
  output: Output,
  verb: 'get' | 'set' | 'unset' | 'list',
  key?: string,
  value?: string,
): Promise<number> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  if (verb === 'set') {
    setConfig(paths, key ?? '', value);
    const now = getConfig(paths, key);
    recordChange(context, { verb, key: key ?? '', value: shownInAudit(key ?? '', now) });
    output.tell({ type: 'config_set', key, value: now });
    output.say(`${key} = ${show(now)}`);
    await tellDaemon(paths.socket, output);
    return 0;
  }
  if (verb === 'unset') {
    const removed = unsetConfig(paths, key ?? '');
    if (removed) recordChange(context, { verb, key: key ?? '' });
    output.tell({ type: 'config_unset', key, removed });
    output.say(removed ? `${key} is unset.` : `${key} was not set.`);
    await tellDaemon(paths.socket, output);
    return 0;
  }
  const found = getConfig(paths, key);
  output.tell({ type: 'config', ...(key !== undefined && { key }), value: found ?? null });
  output.say(verb === 'list' ? `${paths.config}\n${show(found)}` : show(found));
  return found === undefined ? 1 : 0;
}

function recordChange(context: CliContext, detail: Record<string, string>): void {
  const audit = openAuditOf(context);
  try {
    audit.record('config', { ...detail, configHash: configHash(pathsOf(context)) });
  } finally {
    audit.close();
  }
}

/** Headers are where a config may hold a secret. */
function shownInAudit(key: string, value: unknown): string {
  if (key.split('.').includes('headers')) return '[hidden]';
  const hidden = JSON.stringify(value, (name, inner) => (name === 'headers' ? '[hidden]' : inner)) ?? '';
  return hidden.length <= MOST_UNITS ? hidden : `${hidden.slice(0, MOST_UNITS)}…`;
}

function show(value: unknown): string {
  if (value === undefined) return '(not set)';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

const MOST_UNITS = 2_000;
