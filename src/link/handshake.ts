import type { Journal } from '../journal/journal.ts';
import { listCursors } from '../journal/list-cursors.ts';
import type { Clock } from '../kit/clock.ts';
import type { Capabilities } from '../protocol/frames.ts';
import { helloText } from '../protocol/signing.ts';
import {
  type Connection,
  ConnectionLost,
  dial,
  endedBy,
  type SocketOptions,
  type Welcome,
} from './connection.ts';

/** Who shakes hands. */
export interface LinkIdentity {
  deviceId: string;
  /** Where to dial, and the mesh's own origin as pinned at link time: the signature names it. */
  meshUrl: string;
  meshOrigin: string;
  /** The mesh's epoch as pinned at link time: who answers with another is not the mesh this device was linked to. */
  meshEpoch: string;
  /** Ed25519 over the text's UTF-8, base64url. */
  sign(text: string): string;
  agentVersion: string;
  os: string;
  hostname: string;
  capabilities(): Capabilities;
}

/** Dials and shakes hands until `signal` aborts. Throws `ConnectionLost` with what decides about the next try. */
export async function connect(
  identity: LinkIdentity,
  journal: Journal,
  socketOptions: SocketOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ connection: Connection; welcome: Welcome }> {
  const connection = await dial(identity.meshUrl, socketOptions, clock, signal);
  const welcome = await endedBy(signal, connection, shakeHands(connection, identity, journal));
  if (welcome.meshEpoch !== identity.meshEpoch) {
    connection.close('normal', 'not the mesh this device was linked to');
    throw new ConnectionLost({ reason: 'another mesh answers at the pinned address', stranger: true });
  }
  return { connection, welcome };
}

async function shakeHands(
  connection: Connection,
  identity: LinkIdentity,
  journal: Journal,
): Promise<Welcome> {
  const { nonce } = await connection.expect('challenge');
  const { deviceId, agentVersion, os, hostname } = identity;
  connection.send({
    type: 'hello',
    deviceId,
    signature: identity.sign(helloText({ nonce, deviceId, origin: identity.meshOrigin })),
    agentVersion,
    os,
    hostname,
    capabilities: identity.capabilities(),
    journalEpoch: journal.epoch,
    // A run this device started itself is published over HTTP and is no dispatch of the mesh's.
    runs: listCursors(journal)
      .filter((cursor) => cursor.origin === 'dispatched')
      .map(({ runId, attempt, committed }) => ({ runId, attempt, lastRunSequence: committed })),
  });
  return connection.expect('welcome');
}
