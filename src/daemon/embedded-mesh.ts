import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock, type DaemonLock } from '../device/lock.ts';
import { openNetwork } from '../device/network.ts';
import { createRedactor } from '../guard/redact.ts';
import { isoTime, systemClock } from '../kit/clock.ts';
import { isRunmeshError, messageOf, RunmeshError } from '../kit/errors.ts';
import { makeFolder } from '../kit/make-folder.ts';
import { systemRandom } from '../kit/random.ts';
import { type MeshOptions, startMesh } from '../mesh/mesh.ts';
import { createModelGateway } from '../models/gateway.ts';
import { NO_MODELS_CONFIG } from '../protocol/models-config.ts';

export interface EmbeddedMeshOptions
  extends Omit<MeshOptions, 'tls' | 'clock' | 'random' | 'models' | 'mask'> {
  /** Files of PEM. */
  tlsCert?: string;
  tlsKey?: string;
  /** Where the mesh's own provider keys are. */
  env: Readonly<Record<string, string | undefined>>;
}

/** The server side of RunMesh in this process, with the models that its environment has keys for. */
export async function startEmbeddedMesh(options: EmbeddedMeshOptions) {
  const { env, tlsCert, tlsKey, ...rest } = options;
  const tls = readTls(tlsCert, tlsKey);
  const { fetch } = await openNetwork({ network: {} }, env);
  const lock = lockMesh(rest.dataDir);
  try {
    const mesh = await startMesh({
      ...rest,
      ...(tls !== undefined && { tls }),
      clock: systemClock,
      random: systemRandom,
      mask: createRedactor([]).text,
      models: createModelGateway({ env, config: NO_MODELS_CONFIG, clock: systemClock, fetch }),
    });
    const close = async (): Promise<void> => {
      await mesh.close();
      lock.release();
    };
    return { url: mesh.url, port: mesh.port, apiKey: mesh.firstApiKey, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** One mesh a data folder: two would each dispatch the other's runs, and commit under each other. Throws `mesh_running`. */
function lockMesh(dataDir: string): DaemonLock {
  makeFolder(dataDir, { mode: 0o700, instead: 'give another one with --data.' });
  const files = { lock: join(dataDir, 'mesh.lock'), pid: join(dataDir, 'mesh.pid') };
  try {
    return acquireLock(files, { pid: process.pid, startedAt: isoTime(systemClock.now()) });
  } catch (error) {
    if (!isRunmeshError(error, 'already_running')) throw error;
    const { pid } = error.details;
    throw new RunmeshError(
      'mesh_running',
      `A mesh${pid === null ? '' : ` (pid ${pid})`} already runs on ${dataDir}. Use that one, stop it first, or give another folder with --data.`,
      { cause: error, details: { pid } },
    );
  }
}

function readTls(cert: string | undefined, key: string | undefined): MeshOptions['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new RunmeshError(
      'usage',
      'TLS needs both: the certificate by --tls-cert and its key by --tls-key.',
    );
  }
  return { cert: readPem(cert), key: readPem(key) };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new RunmeshError('tls_unreadable', `${path} cannot be read (${messageOf(error)}).`, {
      cause: error,
    });
  }
}
