import type { Clock } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import type { Random } from '../kit/random.ts';
import type { ModelProxyRequest, ModelsAvailable } from '../protocol/model-proxy.ts';
import type { Node } from '../protocol/nodes.ts';
import type { CallLimits } from './call-limits.ts';
import type { HeldCalls } from './held-calls.ts';
import type { LiveRuns } from './live/live-runs.ts';
import type { OrderAnswers } from './runs/order-answers.ts';
import type { Store } from './store/store.ts';

/** What every part of the mesh works with. */
export interface MeshCore {
  store: Store;
  live: LiveRuns;
  answers: OrderAnswers;
  held: HeldCalls;
  limits: CallLimits;
  clock: Clock;
  random: Random;
  log: Log;
  /** The mesh's own origin, and where it listens on loopback the other names of loopback: what devices sign for. */
  origins: readonly [string, ...string[]];
  /** The host names it answers to. */
  hosts: readonly string[];
  /** The address of the proxy whose `X-Forwarded-For` is believed. */
  trustedProxy: string | undefined;
  /** Takes secrets out of a text. */
  mask(text: string): string;
}

/** The devices' hub as the HTTP side sees it. */
export interface Devices {
  isOnline(deviceId: string): boolean;
  presence(deviceId: string): { status: Node['status']; lastHeardAt: number | null };
  /** Something changed for this device: sends what waits for it, if it is there. */
  serve(deviceId: string): void;
  /** Closes the device's connection for good: it was revoked, or another key took the place of the one it came with. */
  close(deviceId: string, why: 'revoked' | 'auth'): void;
}

/** The port through which the model proxy reaches models; the composition root gives it. */
export interface ModelGateway {
  available(): ModelsAvailable;
  /**
   * The AI SDK's V3 stream parts of one call. Throws `RunmeshError`: `model_not_found`, or any other code with
   * `retryable`, `retryAfterMs` and `details.statusCode` saying what the provider said.
   */
  stream(request: ModelProxyRequest, signal: AbortSignal): Promise<AsyncIterable<{ type: string }>>;
}

/** What the HTTP routes work with. */
export interface MeshServices extends MeshCore {
  devices: Devices;
  models: ModelGateway;
}
