import { lookup } from 'node:dns/promises';
import { WebSocket } from 'ws';
import type { MeshPin } from '../device/config-schema.ts';
import { codeOf, messageOf } from '../kit/errors.ts';
import type { Finding } from '../kit/finding.ts';
import { CONNECT_PATH, SUBPROTOCOL } from '../protocol/frames.ts';
import type { DoctorWorld } from './world.ts';

type World = Pick<DoctorWorld, 'config' | 'network' | 'clock' | 'apiKey'>;

/** The way to the mesh, step by step: name, connection, clock, WebSocket, account. Later steps need the earlier ones. */
export async function lookAtMesh(world: World): Promise<Finding[]> {
  const { apiKey } = world;
  const { mesh } = world.config;
  if (mesh === undefined || apiKey === undefined) {
    const says = 'This device is not linked to an account.';
    return [{ code: 'not_linked', title: 'Account', severity: 'fault', says, todo: 'runmesh link' }];
  }
  const reached = await reach(world, mesh);
  if (!('answer' in reached)) return [reached];
  const way = world.network.proxyOf(new URL(mesh.url));
  return [
    {
      code: 'mesh',
      title: 'Mesh',
      severity: 'ok',
      says: `${mesh.url} answers${way === undefined ? '' : ` through the proxy ${way}`}.`,
    },
    lookAtClock(reached.answer, world),
    await lookAtSocket(world, mesh),
    ...(apiKey === null ? [] : [await lookAtAccount(world, mesh, apiKey)]),
  ];
}

async function reach({ network }: World, mesh: MeshPin): Promise<Finding | { answer: Response }> {
  const url = new URL(mesh.url);
  const title = 'Mesh';
  if (network.proxyOf(url) === undefined) {
    try {
      await lookup(url.hostname.replace(/^\[|\]$/g, ''));
    } catch (error) {
      return {
        code: 'mesh_name_unknown',
        title,
        severity: 'fault',
        says: `The name ${url.hostname} is not known here (${codeOf(error)}).`,
        todo: 'Check the network and its DNS; behind a company’s proxy: runmesh config set network.proxy http://…',
      };
    }
  }
  try {
    const answer = await network.fetch(`${mesh.url}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return { answer };
  } catch (error) {
    return unreachable(url, error);
  }
}

function unreachable(url: URL, error: unknown): Finding {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = codeOf(cause, '');
  const tls = /CERT|SELF_SIGNED|ISSUER|SSL|TLS/.test(code);
  return {
    code: tls ? 'mesh_tls' : 'mesh_unreachable',
    title: 'Mesh',
    severity: 'fault',
    says: `${url.origin} cannot be reached: ${messageOf(cause) || code}.`,
    todo: tls
      ? 'Check this machine’s date; where a company’s proxy looks into TLS, name its CA: runmesh config set network.caFile /path/ca.pem'
      : 'Check the network, a firewall, and `runmesh config get network`.',
  };
}

function lookAtClock(answer: Response, { clock }: World): Finding {
  const title = 'Clock';
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  const skewSeconds = Math.round((clock.now() - theirs) / 1_000);
  if (Number.isNaN(skewSeconds)) {
    return {
      code: 'clock_unknown',
      title,
      severity: 'hint',
      says: 'The mesh does not say what time it has.',
    };
  }
  if (Math.abs(skewSeconds) <= MOST_SKEW_SECONDS) {
    return { code: 'clock', title, severity: 'ok', says: 'It agrees with the mesh’s.' };
  }
  return {
    code: 'clock_skew',
    title,
    severity: 'warning',
    says: `It is ${Math.abs(skewSeconds)} s ${skewSeconds > 0 ? 'ahead of' : 'behind'} the mesh’s, so deadlines are missed or certificates refused.`,
    todo: 'Have the system set the time by itself.',
  };
}

/** Up to the mesh's first word. It is not answered, so a running daemon keeps its connection. */
async function lookAtSocket({ network }: World, mesh: MeshPin): Promise<Finding> {
  const title = 'WebSocket';
  const url = new URL(mesh.url);
  const socket = new WebSocket(mesh.url.replace(/^http/, 'ws') + CONNECT_PATH, SUBPROTOCOL, {
    ...network.socketOptions(url),
    handshakeTimeout: ANSWER_MS,
    perMessageDeflate: false,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the mesh stays silent')), ANSWER_MS);
      socket.once('message', () => resolve());
      socket.once('unexpected-response', (_request, { statusCode }) =>
        reject(new Error(`the answer to the upgrade was ${statusCode}`)),
      );
      socket.once('error', reject);
      socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
      socket.once('close', () => clearTimeout(timer));
    });
    return { code: 'websocket', title, severity: 'ok', says: 'It opens, and the mesh speaks first.' };
  } catch (error) {
    return {
      code: 'websocket_refused',
      title,
      severity: 'fault',
      says: `The device socket does not open: ${messageOf(error)}.`,
      todo: 'A proxy or firewall on the way must let WebSockets through (Upgrade: websocket).',
    };
  } finally {
    socket.on('error', () => {});
    socket.terminate();
  }
}

async function lookAtAccount({ network }: World, mesh: MeshPin, apiKey: string): Promise<Finding> {
  const title = 'Account';
  const answer = await network.fetch(`${mesh.url}/v1/runmesh/nodes/${encodeURIComponent(mesh.deviceId)}`, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (answer.status === 401) {
    return {
      code: 'device_revoked',
      title,
      severity: 'fault',
      says: `${mesh.url} no longer accepts ${mesh.deviceId}: it was revoked, or the mesh began anew.`,
      todo: 'runmesh link',
    };
  }
  // A device's own key may not read the list of devices everywhere; being known is what counts.
  if (answer.ok || answer.status === 403) {
    return { code: 'linked', title, severity: 'ok', says: `Linked as ${mesh.deviceId}, and not revoked.` };
  }
  const says = `The mesh answered ${answer.status} when asked about ${mesh.deviceId}.`;
  return { code: 'account_unknown', title, severity: 'warning', says };
}

const ANSWER_MS = 10_000;
const MOST_SKEW_SECONDS = 60;
