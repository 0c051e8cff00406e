import { isRunmeshError } from '../kit/errors.ts';
import { readConfig, unsetConfig } from './config.ts';
import { callMesh, type MeshHttp } from './mesh-http.ts';
import type { DevicePaths } from './paths.ts';
import type { SecretStore } from './secret-store.ts';

/**
 * Forgets the account here, and revokes the device there. The journal stays: history is the owner's. `revoked` is false
 * when the mesh could not be told; the owner then revokes the device there.
 */
export async function unlinkDevice(
  paths: DevicePaths,
  secrets: SecretStore,
  fetch: MeshHttp['fetch'],
): Promise<{ wasLinked: boolean; revoked: boolean }> {
  const { mesh } = readConfig(paths);
  const apiKey = await secrets.get('apiKey');
  const revoked = mesh !== undefined && apiKey !== undefined && (await revoke(mesh, apiKey, fetch));
  await secrets.delete('apiKey');
  await secrets.delete('privateKey');
  if (mesh !== undefined) unsetConfig(paths, 'mesh');
  return { wasLinked: mesh !== undefined, revoked };
}

async function revoke(
  mesh: { url: string; deviceId: string },
  apiKey: string,
  fetch: MeshHttp['fetch'],
): Promise<boolean> {
  try {
    const path = `/v1/runmesh/nodes/${encodeURIComponent(mesh.deviceId)}/revoke`;
    await callMesh({ url: mesh.url, fetch }, path, {}, { authorization: `Bearer ${apiKey}` });
    return true;
  } catch (error) {
    if (!isRunmeshError(error)) throw error;
    // Gone already is as good as revoked.
    return error.code === 'not_found' || error.code === 'invalid_token';
  }
}
