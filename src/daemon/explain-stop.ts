import type { StopReason } from '../link/link-state.ts';

/** Why the link will not come back, for a person. */
export function explainStop(why: StopReason): string {
  const words: Record<StopReason, string> = {
    asked: 'asked to stop',
    stranger:
      'another mesh answers at the pinned address; link this device anew with `runmesh link` if you trust it',
    auth: 'the mesh does not accept this device; link it again with `runmesh link`',
    revoked: 'the owner revoked this device; link it again with `runmesh link`',
    version: 'the mesh and this agent have no protocol in common; update the agent',
    protocol: 'the mesh breaks the protocol again and again; see the log',
    replaced: 'another daemon uses this device’s identity; stop it, or link this device anew',
  };
  return words[why];
}
