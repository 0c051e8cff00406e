import { connectControl } from '../../control/client.ts';
import { createAuditMirror } from '../../device/audit/mirror-audit.ts';
import { configHash } from '../../device/audit/note-config.ts';
import { readConfig } from '../../device/config.ts';
import { prepareFolders } from '../../device/paths.ts';
import type { SecretStore } from '../../device/secret-store.ts';
import { openSecrets } from '../../device/secrets.ts';
import { unlinkDevice } from '../../device/unlink-device.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import { createLog } from '../../kit/log.ts';
import type { CliContext } from '../context.ts';
import { networkOf, openAuditOf, pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';

export async function unlinkCommand(context: CliContext, output: Output): Promise<number> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  const secrets = await openSecrets({ paths, env: context.env, platform: context.platform });
  await tellMesh(context, secrets);
  const { wasLinked, revoked } = await unlinkDevice(paths, secrets, (await networkOf(context)).fetch);
  if (wasLinked) recordUnlinked(context, revoked);
  output.tell({ type: 'unlinked', wasLinked, revoked });
  if (!wasLinked) output.say('This device was not linked.');
  else if (revoked) output.say('Unlinked: the device is revoked, and its key is erased here.');
  else output.say('Its key is erased here, but the mesh could not be told: revoke the device there.');
  if (wasLinked) await stopDaemon(paths.socket, output);
  if (secrets.names().length > 0) output.say('Keys of providers stay here; `runmesh keys list` shows them.');
  return 0;
}

/** A daemon that runs holds the key, and would work on as this device for as long as the mesh lets it. */
async function stopDaemon(socketPath: string, output: Output): Promise<void> {
  try {
    await connectControl(socketPath).stop();
    output.say('The daemon is told to stop.');
  } catch (error) {
    if (!isRunmeshError(error)) throw error;
    if (error.code !== 'daemon_not_running') output.note(`Stop the daemon yourself: ${error.message}`);
  }
}

/** While the key is still good, the mesh gets what it lacks of the audit, and that this device leaves. */
async function tellMesh(context: CliContext, secrets: SecretStore): Promise<void> {
  const { mesh } = readConfig(pathsOf(context));
  const apiKey = await secrets.get('apiKey');
  if (mesh === undefined || apiKey === undefined) return;
  const { clock, random } = context;
  const audit = openAuditOf(context);
  try {
    audit.record('unlink', { deviceId: mesh.deviceId, meshUrl: mesh.url });
    const log = createLog({ level: 'silent', destination: { write: () => {} } });
    const access = { url: mesh.url, fetch: (await networkOf(context)).fetch };
    await createAuditMirror({ audit, mesh: access, apiKey: () => apiKey, clock, random, log }).finish();
  } finally {
    audit.close();
  }
}

function recordUnlinked(context: CliContext, revoked: boolean): void {
  const audit = openAuditOf(context);
  try {
    audit.record('unlink', { done: true, revoked, configHash: configHash(pathsOf(context)) });
  } finally {
    audit.close();
  }
}
