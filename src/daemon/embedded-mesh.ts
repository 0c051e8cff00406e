import { mkdirSync } from 'node:fs';
import { openNetwork } from '../device/network.ts';
import { systemClock } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import { systemRandom } from '../kit/random.ts';
import { startMesh } from '../mesh/mesh.ts';
import { createModelGateway } from '../models/gateway.ts';
import { NO_MODELS_CONFIG } from '../protocol/models-config.ts';

export interface EmbeddedMeshOptions {
  dataDir: string;
  host: string;
  port: number;
  /** The address callers and devices use, where it differs from host and port. */
  publicUrl?: string;
  /** Where the mesh's own provider keys are. */
  env: Readonly<Record<string, string | undefined>>;
  log: Log;
}

/** The server side of RunMesh in this process, with the models that its environment has keys for. */
export async function startEmbeddedMesh(options: EmbeddedMeshOptions) {
  const { dataDir, host, port, publicUrl, env, log } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const { fetch } = await openNetwork({ network: {} }, env);
  const mesh = await startMesh({
    dataDir,
    host,
    port,
    ...(publicUrl !== undefined && { publicUrl }),
    clock: systemClock,
    random: systemRandom,
    log,
    models: createModelGateway({ env, config: NO_MODELS_CONFIG, clock: systemClock, fetch }),
  });
  return { url: mesh.url, port: mesh.port, apiKey: mesh.firstApiKey, close: () => mesh.close() };
}
