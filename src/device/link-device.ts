import type { Clock } from '../kit/clock.ts';
import { isRunmeshError, RunmeshError } from '../kit/errors.ts';
import { DEVICE_REQUESTS, type LinkPollAnswer, linkPollAnswer, linkStartAnswer } from '../protocol/nodes.ts';
import { linkPollText } from '../protocol/signing.ts';
import { setConfig } from './config.ts';
import type { MeshPin } from './config-schema.ts';
import { createIdentity, type Identity, readIdentity } from './identity.ts';
import { forgetStop } from './last-stop.ts';
import { readMeshAnswer } from './mesh-failure.ts';
import { callMesh, isInTheClear, type MeshHttp } from './mesh-http.ts';
import type { DevicePaths } from './paths.ts';
import type { SecretStore } from './secret-store.ts';

export interface LinkDeviceOptions {
  paths: DevicePaths;
  secrets: SecretStore;
  mesh: MeshHttp;
  clock: Clock;
  signal: AbortSignal;
  /** What the owner will see before approving. */
  label: string;
  hostname: string;
  platform: NodeJS.Platform;
  appVersion: string;
  /** The device whose key is lost and whose place this one takes. */
  replacesDeviceId?: string;
  /** The code is there: show it. */
  onCode(shown: { code: string; url: string; expiresAt: string; fingerprint: string }): void;
}

/**
 * Links this machine to an account: asks for a code, waits until its owner approves it, and keeps what the mesh answers.
 * Only the holder of the private key can fetch that; the code alone fetches nothing. Throws `link_denied`,
 * `link_expired`, `link_cancelled`, or what `callMesh` throws.
 */
export async function linkDevice(options: LinkDeviceOptions): Promise<MeshPin> {
  const { secrets, mesh, paths } = options;
  const identity = await ownIdentity(secrets);
  const started = readMeshAnswer(
    linkStartAnswer,
    await callMesh(mesh, '/v1/runmesh/devices/link/start', {
      publicKey: identity.publicKey,
      deviceLabel: options.label,
      os: options.platform === 'darwin' ? 'macos' : 'linux',
      appVersion: options.appVersion,
      hostname: options.hostname,
      clientMetadata: {
        requests: Object.keys(DEVICE_REQUESTS),
        ...(options.replacesDeviceId !== undefined && { replacesDeviceId: options.replacesDeviceId }),
      },
    }),
    mesh.url,
  );
  options.onCode({ ...started, fingerprint: identity.fingerprint });
  const { node, apiKey } = await pollUntilApproved(started.code, identity, options);
  await secrets.set('apiKey', apiKey);
  const pin: MeshPin = {
    url: mesh.url,
    // The origin its owner typed, never one the mesh claims: a mesh could name another, and relay what is signed for it.
    origin: new URL(mesh.url).origin,
    deviceId: node.deviceId,
    orgId: node.orgId,
    meshEpoch: node.meshEpoch,
    ...(isInTheClear(mesh.url) && { insecure: true }),
  };
  setConfig(paths, 'mesh', pin);
  forgetStop(paths);
  return pin;
}

/** The key pair of this device, made when there is none. */
async function ownIdentity(secrets: SecretStore): Promise<Identity> {
  const stored = await secrets.get('privateKey');
  if (stored !== undefined) return readIdentity(stored);
  const identity = createIdentity();
  await secrets.set('privateKey', identity.privateKey);
  return identity;
}

async function pollUntilApproved(
  code: string,
  identity: Identity,
  { mesh, clock, signal }: LinkDeviceOptions,
): Promise<Extract<LinkPollAnswer, { status: 'approved' }>> {
  const signature = identity.sign(linkPollText({ code, origin: new URL(mesh.url).origin }));
  for (;;) {
    const answer = await pollOnce(mesh, code, signature);
    if (answer.status === 'approved') return answer;
    if (answer.status === 'denied') {
      throw new RunmeshError(
        'link_denied',
        'The owner of the account refused this device, and nothing was changed here. If that was a mistake, run `runmesh link` again for a new code.',
      );
    }
    if (answer.status === 'expired') {
      throw new RunmeshError(
        'link_expired',
        'The code expired before it was approved. Run `runmesh link` again for a new one.',
      );
    }
    await clock.sleep(answer.retryAfterMs, signal);
    if (signal.aborted)
      throw new RunmeshError(
        'link_cancelled',
        'Linking was stopped, and nothing was changed here. `runmesh link` tries again.',
      );
  }
}

/** A mesh that is busy or away for a moment does not end the wait for a person. */
async function pollOnce(mesh: MeshHttp, code: string, signature: string): Promise<LinkPollAnswer> {
  try {
    return readMeshAnswer(
      linkPollAnswer,
      await callMesh(mesh, '/v1/runmesh/devices/link/poll', { code, signature }),
      mesh.url,
    );
  } catch (error) {
    if (!isRunmeshError(error) || !error.retryable) throw error;
    return { status: 'pending', retryAfterMs: error.retryAfterMs ?? AGAIN_MS };
  }
}

const AGAIN_MS = 3_000;
