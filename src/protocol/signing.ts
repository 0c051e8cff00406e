/**
 * The exact texts a device signs with its Ed25519 key. Each names its purpose and version first, so that a signature
 * made for one can never serve for the other, and the mesh's origin, so that it cannot be relayed to another mesh.
 */
export function helloText(parts: { nonce: string; deviceId: string; origin: string }): string {
  return `runmesh.v1 hello\n${parts.nonce}\n${parts.deviceId}\n${parts.origin}`;
}

export function linkPollText(parts: { code: string; origin: string }): string {
  return `runmesh.v1 link-poll\n${parts.code}\n${parts.origin}`;
}
