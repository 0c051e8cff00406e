import { describeStore } from '../../control/words/secret-store.ts';
import { beginEpoch } from '../../device/audit/audit.ts';
import { configHash } from '../../device/audit/note-config.ts';
import { readConfig, setConfig } from '../../device/config.ts';
import type { MeshPin } from '../../device/config-schema.ts';
import { linkDevice } from '../../device/link-device.ts';
import { normalizeMeshUrl } from '../../device/mesh-http.ts';
import { prepareFolders } from '../../device/paths.ts';
import { repairSecrets } from '../../device/repair-secrets.ts';
import type { SecretStore } from '../../device/secret-store.ts';
import { openSecrets } from '../../device/secrets.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { CliContext } from '../context.ts';
import { networkOf, openAuditOf, pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { cleanLine } from '../render/clean.ts';
import { startAnew } from '../start-anew.ts';
import { tellDaemon } from '../tell-daemon.ts';
import { showLink } from './link-waiting.ts';

export interface LinkCommandOptions {
  mesh?: string;
  name?: string;
  insecure?: boolean;
  repair?: boolean;
  /** `--no-browser` makes it false. */
  browser: boolean;
}

export async function linkCommand(
  context: CliContext,
  output: Output,
  options: LinkCommandOptions,
): Promise<number> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  const config = readConfig(paths);
  const url = meshUrlOf(context, options, config.mesh);
  const secrets = await openSecrets({ paths, env: context.env, platform: context.platform });
  const replaces = options.repair ? await repair(secrets, config.mesh, context, output) : undefined;
  if (replaces === 'nothing') return 0;
  const label = options.name ?? config.deviceLabel ?? context.hostname;
  const stop = new AbortController();
  const forget = context.onSignal(() => stop.abort());
  const waiting = showLink(context, output, { label, browser: options.browser });
  let pin: MeshPin;
  try {
    pin = await linkDevice({
      paths,
      secrets,
      mesh: { url, fetch: (await networkOf(context)).fetch },
      clock: context.clock,
      signal: stop.signal,
      label,
      hostname: context.hostname,
      platform: context.platform,
      appVersion: context.version,
      ...(replaces !== undefined && { replacesDeviceId: replaces.deviceId }),
      onCode: waiting.onCode,
    });
  } finally {
    waiting.end();
    forget();
  }
  if (options.name !== undefined) setConfig(paths, 'deviceLabel', options.name);
  recordLink(context, pin);
  output.tell({ type: 'linked', deviceId: pin.deviceId, secretStore: secrets.kind });
  output.say(`Linked as ${cleanLine(pin.deviceId)}; its key is kept in ${describeStore(secrets.kind)}.`);
  await startAnew(context, output);
  if (Object.keys(readConfig(paths).workspaces).length === 0) {
    output.say(
      'Next: runmesh config set workspaces.default FOLDER, then `runmesh daemon` or `runmesh service install`',
    );
  }
  return 0;
}

/** A device belongs to one mesh: what it has not told the old one yet would otherwise be nobody's. */
function meshUrlOf(context: CliContext, options: LinkCommandOptions, pin: MeshPin | undefined): string {
  const address = options.mesh ?? context.env.RUNTOOLS_API_URL ?? pin?.url ?? DEFAULT_MESH;
  const url = normalizeMeshUrl(address, options.insecure ?? address === pin?.url);
  if (pin === undefined || new URL(url).origin === new URL(pin.url).origin) return url;
  throw new RunmeshError(
    'already_linked',
    `This device is linked to ${pin.url} as ${pin.deviceId}. Run \`runmesh unlink\` first, then link it to ${url}.`,
  );
}

/** The device whose place the new key takes; `nothing` where no approval is needed. */
async function repair(
  secrets: SecretStore,
  pin: MeshPin | undefined,
  context: CliContext,
  output: Output,
): Promise<MeshPin | 'nothing'> {
  if (pin === undefined) {
    throw new RunmeshError(
      'not_linked',
      'This device is not linked, so there is nothing to repair. Run `runmesh link`.',
    );
  }
  const lost = await repairSecrets(secrets);
  const names = secrets.names();
  for (const name of lost.filter((one) => one.startsWith('provider.'))) {
    output.note(`A key was lost; store it again: runmesh keys set ${name.slice('provider.'.length)}`);
  }
  if (!names.includes('privateKey') || !names.includes('apiKey')) {
    output.say('This device’s key cannot be read any more, so it gets a new one, which you approve once.');
    return pin;
  }
  output.tell({ type: 'repaired', deviceId: pin.deviceId });
  output.say(
    `Repaired: this program can read the device’s secrets in ${describeStore(secrets.kind)}. Nothing else changed.`,
  );
  await tellDaemon(pathsOf(context).socket, output);
  return 'nothing';
}

/** What was done before belongs to no account, or to another: the mesh gets what comes from here on. */
function recordLink(context: CliContext, { deviceId, orgId, url }: MeshPin): void {
  const audit = openAuditOf(context);
  try {
    beginEpoch(audit, context.random, { reason: 'linked' });
    audit.record('link', { deviceId, orgId, meshUrl: url, configHash: configHash(pathsOf(context)) });
  } finally {
    audit.close();
  }
}

const DEFAULT_MESH = 'https://api.runtools.ai';
