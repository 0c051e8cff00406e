import { formatTable } from '../../control/words/format.ts';
import { readConfig } from '../../device/config.ts';
import { keyNames, requireKeyName } from '../../device/key-names.ts';
import { prepareFolders } from '../../device/paths.ts';
import { providerOf, type SecretName, type SecretStore } from '../../device/secret-store.ts';
import { openSecrets } from '../../device/secrets.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { CliContext } from '../context.ts';
import { openAuditOf, pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { tellDaemon } from '../tell-daemon.ts';

/** Stores a provider's key, typed unseen or from standard input: never an argument, which every process could read. */
export async function setKeyCommand(context: CliContext, output: Output, provider: string): Promise<number> {
  const { names, secrets } = await openKeys(context);
  requireKeyName(provider, names);
  const key = checkKey(await context.askSecret(`Key for ${provider} (it is not shown): `));
  await secrets.set(nameOf(provider), key);
  record(context, 'set', provider);
  output.tell({ type: 'key_set', provider, secretStore: secrets.kind });
  output.say(`Stored the key for ${provider} (${mask(key)}).`);
  sayPrecedence(output, names.get(provider) ?? []);
  await tellDaemon(pathsOf(context).socket, output);
  return 0;
}

export async function listKeysCommand(context: CliContext, output: Output): Promise<number> {
  const { names, secrets } = await openKeys(context);
  const rows: string[][] = [];
  for (const name of secrets.names()) {
    const provider = providerOf(name);
    if (provider === undefined) continue;
    const key = await secrets.get(name).catch(() => undefined);
    const shown = key === undefined ? 'cannot be read' : mask(key);
    output.tell({ type: 'key', provider, key: shown, secretStore: secrets.kind });
    rows.push([provider, shown, (names.get(provider) ?? []).join(' or ') || 'none']);
  }
  if (rows.length === 0) output.say('No key is stored. Store one with `runmesh keys set PROVIDER`.');
  else
    for (const line of formatTable([['provider', 'key', 'variable that goes before it'], ...rows]))
      output.say(line);
  return 0;
}

export async function removeKeyCommand(
  context: CliContext,
  output: Output,
  provider: string,
): Promise<number> {
  const { secrets } = await openKeys(context);
  if (!secrets.names().includes(nameOf(provider))) {
    throw new RunmeshError(
      'key_unknown',
      `No key is stored for ${provider}. \`runmesh keys list\` shows those there are.`,
    );
  }
  await secrets.delete(nameOf(provider));
  record(context, 'remove', provider);
  output.tell({ type: 'key_removed', provider });
  output.say(`The key for ${provider} is erased.`);
  await tellDaemon(pathsOf(context).socket, output);
  return 0;
}

async function openKeys(
  context: CliContext,
): Promise<{ names: Map<string, string[]>; secrets: SecretStore }> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  const names = keyNames(readConfig(paths));
  return { names, secrets: await openSecrets({ paths, env: context.env, platform: context.platform }) };
}

function nameOf(provider: string): SecretName {
  return `provider.${provider}`;
}

function checkKey(typed: string): string {
  const key = typed.trim();
  if (key === '') throw new RunmeshError('key_invalid', 'No key was given, so nothing was stored.');
  if (/\s/.test(key) || key.length > LONGEST_KEY) {
    throw new RunmeshError(
      'key_invalid',
      `That is no key: it has ${/\s/.test(key) ? 'white space in it' : `more than ${LONGEST_KEY} characters`}. Nothing was stored.`,
    );
  }
  return key;
}

/** Enough to tell two keys apart, and of a short one nothing. */
function mask(key: string): string {
  return key.length < 16 ? '…' : `…${key.slice(-4)}`;
}

function sayPrecedence(output: Output, variables: readonly string[]): void {
  if (variables.length === 0) return;
  output.say(`Where the daemon’s environment has ${variables.join(' or ')}, that goes before it.`);
}

function record(context: CliContext, verb: string, provider: string): void {
  const audit = openAuditOf(context);
  try {
    audit.record('config', { verb, key: `keys.${provider}` });
  } finally {
    audit.close();
  }
}

const LONGEST_KEY = 4_096;
