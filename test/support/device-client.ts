import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { WebSocket } from 'ws';
import {
  CONNECT_PATH,
  type DeviceFrame,
  type FrameNamed,
  type MeshFrame,
  SUBPROTOCOL,
} from '../../src/protocol/frames.ts';
import { helloText, linkPollText } from '../../src/protocol/signing.ts';
import { callApi } from './api.ts';

/** A device as the mesh sees one, without a daemon: a key, and a socket on which the test says every frame itself. */
export interface TestDevice {
  deviceId: string;
  /** The device's own API key. */
  apiKey: string;
  /** The mesh's origin, which it signs for. */
  origin: string;
  privateKey: KeyObject;
}

export function createDeviceKey(): { publicKey: string; privateKey: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { publicKey: publicKey.export({ format: 'jwk' }).x ?? '', privateKey };
}

export function signText(privateKey: KeyObject, text: string): string {
  return sign(null, Buffer.from(text), privateKey).toString('base64url');
}

/** Links a new device over the real API, approved with the owner's key. */
export async function linkDevice(
  mesh: { url: string; apiKey: string },
  label = 'test mac',
): Promise<TestDevice> {
  const { publicKey, privateKey } = createDeviceKey();
  const start = await callApi(mesh, 'POST', '/v1/runmesh/devices/link/start', {
    body: { publicKey, deviceLabel: label, os: 'macos', appVersion: '0.0.0', hostname: 'test.local' },
  });
  const { code } = start.data;
  await callApi(mesh, 'POST', '/v1/runmesh/devices/link/approve', { body: { code } });
  const origin = new URL(mesh.url).origin;
  const signature = signText(privateKey, linkPollText({ code, origin }));
  const poll = await callApi(mesh, 'POST', '/v1/runmesh/devices/link/poll', { body: { code, signature } });
  return { deviceId: poll.data.node.deviceId, apiKey: poll.data.apiKey, origin, privateKey };
}

/** One connection of a device. Frames are taken in order by `take`; what nobody took waits. */
export class DeviceClient {
  readonly socket: WebSocket;
  /** How the mesh closed it. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #frames: MeshFrame[] = [];
  #look: () => void = () => {};

  constructor(url: string, options: { protocol?: string; headers?: Record<string, string> } = {}) {
    const address = url.replace(/^http/, 'ws') + CONNECT_PATH;
    this.socket = new WebSocket(address, options.protocol ?? SUBPROTOCOL, { headers: options.headers ?? {} });
    this.socket.on('message', (data: Buffer) => {
      this.#frames.push(JSON.parse(data.toString()) as MeshFrame);
      this.#look();
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#look();
      });
    });
  }

  /** Connects, shakes hands and takes the welcome. */
  static async connect(
    device: TestDevice,
    hello: Partial<FrameNamed<DeviceFrame, 'hello'>> = {},
  ): Promise<{ client: DeviceClient; welcome: FrameNamed<MeshFrame, 'welcome'> }> {
    const client = new DeviceClient(device.origin);
    await client.sayHello(device, hello);
    return { client, welcome: await client.take('welcome') };
  }

  async sayHello(device: TestDevice, hello: Partial<FrameNamed<DeviceFrame, 'hello'>> = {}): Promise<void> {
    const { nonce } = await this.take('challenge');
    const { deviceId, origin } = device;
    this.send({
      type: 'hello',
      deviceId,
      signature: signText(device.privateKey, helloText({ nonce, deviceId, origin })),
      agentVersion: '0.0.0',
      os: 'macos',
      hostname: 'test.local',
      capabilities: { tools: [], workspaces: ['default'], maxConcurrentRuns: 2 },
      journalEpoch: 'epoch-1',
      runs: [],
      ...hello,
    });
  }

  send(frame: DeviceFrame): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** The next frame of this type, now or when it comes. Rejects when the socket closes first. */
  async take<Name extends MeshFrame['type']>(type: Name): Promise<FrameNamed<MeshFrame, Name>> {
    for (;;) {
      const index = this.#frames.findIndex((frame) => frame.type === type);
      if (index >= 0) return this.#frames.splice(index, 1)[0] as FrameNamed<MeshFrame, Name>;
      if (this.socket.readyState === WebSocket.CLOSED)
        throw new Error(`the mesh closed before it sent ${type}`);
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }

  /** Whether a frame of this type has come and was not taken. */
  holds(type: MeshFrame['type']): boolean {
    return this.#frames.some((frame) => frame.type === type);
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}
