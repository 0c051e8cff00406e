import { join } from 'node:path';
import { createLog } from '../../kit/log.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { untilStopped } from '../until-stopped.ts';

export interface MeshCommandOptions {
  port: number;
  host: string;
  data?: string;
  publicUrl?: string;
  tlsCert?: string;
  tlsKey?: string;
  insecure?: boolean;
  trustedProxy?: string;
  callsPerMinute?: number;
}

export async function meshCommand(
  context: CliContext,
  output: Output,
  options: MeshCommandOptions,
): Promise<number> {
  const { startEmbeddedMesh } = await import('../../daemon/embedded-mesh.ts');
  const { data, ...rest } = options;
  const dataDir = data ?? join(pathsOf(context).home, 'mesh');
  const mesh = await startEmbeddedMesh({
    ...rest,
    dataDir,
    env: context.env,
    log: createLog({ level: 'warn', destination: context.stderr as never }),
  });
  output.tell({ type: 'mesh_ready', url: mesh.url, apiKey: mesh.apiKey, port: mesh.port });
  output.say(`The mesh is up at ${mesh.url}, its data in ${dataDir}.`);
  output.say(`API key: ${mesh.apiKey}`);
  output.say(`Next: runmesh link --mesh ${mesh.url}`);
  await untilStopped(context);
  await mesh.close();
  return 0;
}
