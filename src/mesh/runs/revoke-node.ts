import type { MeshServices } from '../context.ts';
import { revokeDeviceKeys } from '../store/keys.ts';
import { markNodeRevoked } from '../store/nodes.ts';
import { unfinishedRuns } from '../store/unfinished-runs.ts';
import { endRun } from './end-run.ts';

/**
 * Ends a device's membership: its unfinished runs fail, its keys die, its socket and streams close. In this order, so
 * that a mesh that is killed half-way leaves a device that can be revoked again, never a run without an end.
 */
export function revokeNode(services: MeshServices, nodeId: string): void {
  const { store, clock } = services;
  for (const run of unfinishedRuns(store, nodeId)) {
    const message = 'The owner revoked the device this run was bound to.';
    endRun(services, run.id, { status: 'failed', error: { code: 'device_revoked', message } });
  }
  const keyIds = store.transaction(() => {
    markNodeRevoked(store, nodeId, clock.now());
    return revokeDeviceKeys(store, nodeId, clock.now());
  });
  services.devices.close(nodeId, 'revoked');
  services.held.cut(keyIds);
  services.log.info({ deviceId: nodeId }, 'device revoked');
}
