import { beginEpoch } from '../../device/audit/audit.ts';
import { configHash } from '../../device/audit/note-config.ts';
import { readConfig, setConfig } from '../../device/config.ts';
import type { MeshPin } from '../../device/config-schema.ts';
import { linkDevice } from '../../device/link-device.ts';
import { normalizeMeshUrl } from '../../device/mesh-http.ts';
import { prepareFolders } from '../../device/paths.ts';
import { openSecrets } from '../../device/secrets.ts';
import type { CliContext } from '../context.ts';
import { networkOf, openAuditOf, pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';

export interface LinkCommandOptions {
  mesh?: string;
  name?: string;
  insecure?: boolean;
}

export async function linkCommand(
  context: CliContext,
  output: Output,
  options: LinkCommandOptions,
): Promise<number> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  const address = options.mesh ?? context.env.RUNTOOLS_API_URL ?? DEFAULT_MESH;
  const url = normalizeMeshUrl(address, options.insecure ?? false);
  const label = options.name ?? readConfig(paths).deviceLabel ?? context.hostname;
  const stop = new AbortController();
  const forget = context.onSignal(() => stop.abort());
  const secrets = await openSecrets({ paths, env: context.env, platform: context.platform });
  const pin = await linkDevice({
    paths,
    secrets,
    mesh: { url, fetch: (await networkOf(context)).fetch },
    clock: context.clock,
    signal: stop.signal,
    label,
    hostname: context.hostname,
    platform: context.platform,
    appVersion: context.version,
    onCode: ({ fingerprint, ...shown }) => {
      output.tell({ type: 'link_code', ...shown });
      const minutes = Math.round((Date.parse(shown.expiresAt) - context.clock.now()) / 60_000);
      output.say(`\n    ${output.paint('bold', [...shown.code].join(' '))}\n`);
      output.say(`Approve this code at ${shown.url}`);
      output.say(`Device: ${label}. Key: ${fingerprint.slice(0, 23)}… Compare both before you approve.`);
      output.say(`Waiting; the code lasts ${minutes} minutes.`);
    },
  });
  forget();
  if (options.name !== undefined) setConfig(paths, 'deviceLabel', options.name);
  recordLink(context, pin);
  output.tell({ type: 'linked', deviceId: pin.deviceId });
  output.say(`Linked as ${pin.deviceId}; its key is kept in the ${secrets.kind}.`);
  if (Object.keys(readConfig(paths).workspaces).length === 0) {
    output.say('Next: runmesh config set workspaces.default FOLDER, then runmesh daemon');
  }
  return 0;
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
