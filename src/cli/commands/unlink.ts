import { prepareFolders } from '../../device/paths.ts';
import { openSecrets } from '../../device/secrets.ts';
import { unlinkDevice } from '../../device/unlink-device.ts';
import type { CliContext } from '../context.ts';
import { networkOf, pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';

export async function unlinkCommand(context: CliContext, output: Output): Promise<number> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  const secrets = await openSecrets({ paths, env: context.env, platform: context.platform });
  const { wasLinked, revoked } = await unlinkDevice(paths, secrets, (await networkOf(context)).fetch);
  output.tell({ type: 'unlinked', wasLinked, revoked });
  if (!wasLinked) output.say('This device was not linked.');
  else if (revoked) output.say('Unlinked: the device is revoked, and its key is erased here.');
  else output.say('Its key is erased here, but the mesh could not be told: revoke the device there.');
  return 0;
}
