import { getConfig, setConfig, unsetConfig } from '../../device/config.ts';
import { prepareFolders } from '../../device/paths.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';

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
    output.tell({ type: 'config_set', key, value: now });
    output.say(`${key} = ${show(now)}`);
    return 0;
  }
  if (verb === 'unset') {
    const removed = unsetConfig(paths, key ?? '');
    output.tell({ type: 'config_unset', key, removed });
    output.say(removed ? `${key} is unset.` : `${key} was not set.`);
    return 0;
  }
  const found = getConfig(paths, key);
  output.tell({ type: 'config', ...(key !== undefined && { key }), value: found ?? null });
  output.say(verb === 'list' ? `${paths.config}\n${show(found)}` : show(found));
  return found === undefined ? 1 : 0;
}

function show(value: unknown): string {
  if (value === undefined) return '(not set)';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
