import { RunmeshError } from '../kit/errors.ts';
import { postJson } from '../kit/post-json.ts';
import { errorEnvelope } from '../protocol/errors.ts';
import { meshUnreachable } from './mesh-failure.ts';

/** A mesh over HTTP, as linking needs it: JSON in, `data` out. */
export interface MeshHttp {
  /** Without a path and a slash at its end. */
  url: string;
  fetch: typeof fetch;
}

/**
 * The `data` of a call. Throws `mesh_unreachable`, `not_a_mesh`, or the mesh's own code with its sentence; `retryable`
 * and `retryAfterMs` say whether to ask again.
 */
export async function callMesh(
  { url, fetch }: MeshHttp,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<unknown> {
  const post = { fetch, url: url + path, body, headers, withinMs: REQUEST_MS, signal };
  const { response, answer } = await postJson(post).catch((error) => {
    throw meshUnreachable(url, error);
  });
  if (response.ok && typeof answer === 'object' && answer !== null && 'data' in answer) return answer.data;
  const failure = errorEnvelope.safeParse(answer);
  if (!failure.success) {
    throw new RunmeshError(
      'not_a_mesh',
      `${url} does not answer like a mesh (status ${response.status} for ${path}). Check the address.`,
      { retryable: response.status >= 500 },
    );
  }
  const seconds = Number(response.headers.get('retry-after'));
  throw new RunmeshError(failure.data.error.code, failure.data.error.message, {
    retryable: response.status === 429 || response.status >= 500,
    ...(seconds > 0 && { retryAfterMs: seconds * 1_000 }),
  });
}

/**
 * A mesh's address as it is used: `https`, or `http` on this machine only. `insecure` allows `http` elsewhere: keys and
 * everything runs say then travel in the clear. Throws `mesh_url_invalid`.
 */
export function normalizeMeshUrl(address: string, insecure: boolean): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new RunmeshError(
      'mesh_url_invalid',
      `"${address}" is not an address. Give one such as https://mesh.example.org.`,
    );
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new RunmeshError('mesh_url_invalid', `${address} is neither https nor http.`);
  }
  if (isInTheClear(address) && !insecure) {
    throw new RunmeshError(
      'mesh_url_insecure',
      `${address} is not encrypted, so anybody on the way could read and change what runs do. Use https, or --insecure if you mean it.`,
    );
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** Whether what is said to this address can be read on the way: `http`, and not on this machine. */
export function isInTheClear(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

const REQUEST_MS = 15_000;
