import { bounded } from '../kit/bounded.ts';
import { messageOf, RunmeshError } from '../kit/errors.ts';
import { type DispatchOrder, dispatchOrder } from '../protocol/frames.ts';
import { LIMITS } from '../protocol/limits.ts';
import { checkJsonBounds } from '../protocol/read-frame.ts';
import type { HttpAccess } from './publish-over-http.ts';

/** What came of fetching an order: the order, or why it can never be taken; throws where another try may help. */
export type FetchedOrder =
  | { order: DispatchOrder; refused?: undefined }
  | { refused: string; order?: undefined };

/** The orders of a connection that are being fetched: each run's once, and a bounded number of them at a time. */
export class OrderFetches {
  readonly #access: HttpAccess;
  readonly #over: AbortSignal;
  readonly #underWay = new Set<string>();

  /** `over` aborts when the connection is lost. */
  constructor(access: HttpAccess, over: AbortSignal) {
    this.#access = access;
    this.#over = over;
  }

  /** `undefined` for an address that is not the mesh's own: a path may be a whole one, and this device's key is for its mesh. */
  addressOf(path: string): URL | undefined {
    const { meshUrl } = this.#access;
    // What begins with two slashes names a host, and is neither a path nor a whole address.
    const address = /^\/(?!\/)/.test(path) ? URL.parse(meshUrl + path) : URL.parse(path);
    return address?.origin === new URL(meshUrl).origin ? address : undefined;
  }

  /**
   * `undefined` where it is under way already (a long one on a slow line takes longer than the mesh waits before it names it
   * again), or where too many are.
   */
  async fetch(address: URL, runId: string): Promise<FetchedOrder | undefined> {
    if (this.#underWay.has(runId) || this.#underWay.size >= MOST_AT_ONCE) return undefined;
    this.#underWay.add(runId);
    try {
      return await bounded(LIMITS.orderFetchMs, this.#over, (signal) =>
        fetchOrder(this.#access, address, runId, signal),
      );
    } finally {
      this.#underWay.delete(runId);
    }
  }
}

/**
 * Size, depth and keys are bounded before a parser spends memory on an order: what is longer is refused in words, since the mesh
 * would otherwise give it again until its deadline.
 */
async function fetchOrder(
  access: Pick<HttpAccess, 'apiKey' | 'fetch'>,
  address: URL,
  runId: string,
  signal: AbortSignal,
): Promise<FetchedOrder> {
  const response = await access.fetch(address, {
    headers: { authorization: `Bearer ${access.apiKey}` },
    signal,
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new RunmeshError('mesh_error', `The mesh answered with status ${response.status}.`);
  }
  const text = await readBounded(response, LIMITS.orderBytes);
  if (text === undefined) return { refused: tooLong(`has more than ${LIMITS.orderBytes} bytes`) };
  const bounds = checkJsonBounds(text, LIMITS.orderJsonKeys);
  if (bounds !== undefined) return { refused: tooLong(`is ${bounds}`) };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    // A proxy's page, or an answer that was cut: the next one may be whole.
    throw new RunmeshError('mesh_error', `The mesh answered no JSON (${messageOf(error)}).`);
  }
  const parsed = dispatchOrder.safeParse((body as { data?: unknown } | null)?.data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return {
      refused: `the order is malformed: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
    };
  }
  return parsed.data.runId === runId
    ? { order: parsed.data }
    : { refused: 'the mesh answered the order of another run' };
}

/** `undefined` where there is more; the rest is not read. */
async function readBounded(response: Response, most: number): Promise<string | undefined> {
  if (Number(response.headers.get('content-length') ?? 0) > most) {
    await response.body?.cancel();
    return undefined;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the body. What is compressed is counted as it comes out.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function tooLong(why: string): string {
  return `the order ${why}, which is the most this device takes: begin a new thread, or send less`;
}

const MOST_AT_ONCE = 4;
