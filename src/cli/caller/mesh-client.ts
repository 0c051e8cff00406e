import { meshUnreachable } from '../../device/mesh-failure.ts';
import { normalizeMeshUrl } from '../../device/mesh-http.ts';
import { RunmeshError } from '../../kit/errors.ts';
import { errorEnvelope } from '../../protocol/errors.ts';

/** A mesh as a caller reaches it: an `http` or `https` address without a slash at its end. */
export interface MeshAccess {
  url: string;
  apiKey: string;
  fetch: typeof fetch;
}

/**
 * The answer of a call that went well. Throws `mesh_unreachable` (with `details.cut` where the call may have arrived),
 * `not_a_mesh`, or the mesh's own code and sentence.
 */
export async function callMesh(
  { url, apiKey, fetch }: MeshAccess,
  method: 'GET' | 'POST',
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...options.headers },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...(options.signal && { signal: options.signal }),
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw meshUnreachable(url, error, '--mesh');
  }
  if (response.ok) return response;
  const failure = errorEnvelope.safeParse(await response.json().catch(() => undefined));
  if (!failure.success) {
    throw new RunmeshError(
      'not_a_mesh',
      `${url} does not answer like a mesh (status ${response.status}). Check --mesh.`,
      {
        retryable: response.status >= 500,
      },
    );
  }
  const { code, message, field } = failure.data.error;
  throw new RunmeshError(code, field === undefined ? message : `${field}: ${message}`, {
    retryable: response.status === 429 || response.status >= 500,
  });
}

/** The `data` of an answer. */
export async function dataOf(response: Response): Promise<Record<string, unknown>> {
  const body = (await response.json()) as { data?: Record<string, unknown> };
  return body.data ?? {};
}

/** The address a person gave, as calls are built on it. Throws `usage`, and `mesh_url_insecure` as linking does. */
export function readMeshUrl(text: string, insecure: boolean): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return normalizeMeshUrl(text, insecure);
  throw new RunmeshError(
    'usage',
    `"${text}" is not the address of a mesh. It looks like http://127.0.0.1:4780 or https://mesh.example.`,
  );
}
