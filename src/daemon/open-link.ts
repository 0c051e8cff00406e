import { arch } from 'node:os';
import { createLink } from '../link/link.ts';
import type { Link, LinkOptions } from '../link/ports.ts';
import type { Runs } from '../runs/ports.ts';
import type { Credentials } from './credentials.ts';
import type { OpenedDevice, World } from './open-device.ts';
import type { Executor } from './open-executor.ts';

export interface OpenLinkOptions extends Pick<LinkOptions, 'say' | 'onOnline' | 'onStopped'> {
  device: OpenedDevice;
  credentials: Credentials;
  world: World;
  executor: Executor;
  runs: Runs;
}

/** The link of a device whose secrets could be read. */
export function openLink({ device, credentials, world, executor, runs, ...told }: OpenLinkOptions): Link {
  const { mesh, network, config, clock, random, log, version } = device;
  const { identity, apiKey } = credentials;
  return createLink({
    ...told,
    journal: executor.journal,
    clock,
    random,
    log,
    identity: {
      deviceId: mesh.deviceId,
      meshUrl: mesh.url,
      meshOrigin: mesh.origin,
      meshEpoch: mesh.meshEpoch,
      sign: identity.sign,
      agentVersion: version,
      os: `${world.platform} ${arch()}`,
      hostname: world.hostname,
      capabilities: () => ({
        tools: executor.toolbox.names(),
        workspaces: Object.keys(config.workspaces),
        maxConcurrentRuns: config.maxConcurrentRuns,
      }),
    },
    access: { meshUrl: mesh.url, apiKey, fetch: network.fetch },
    socketOptions: network.socketOptions(new URL(mesh.url)),
    orders: {
      dispatch: (order) => runs.accept(order, 'dispatched'),
      cancel: runs.cancel,
      steer: runs.steer,
      approve: (runId, approvalId, answer) =>
        config.approvals.fromMesh
          ? runs.answerApproval(approvalId, answer, 'mesh', runId)
          : { status: 'refused', code: 'approvals_not_from_mesh', message: NOT_FROM_MESH },
      forget: runs.forget,
    },
    liveTexts: runs.liveTexts,
  });
}

const NOT_FROM_MESH =
  'The owner of this device answers there, and not over the mesh (`runmesh config set approvals.fromMesh true` would change that).';
