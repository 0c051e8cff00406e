import { messageOf, RunmeshError } from '../../kit/errors.ts';
import { errorEnvelope } from '../../protocol/errors.ts';

/** A mesh as a caller reaches it. */
export interface MeshAccess {
  url: string;
  apiKey: string;
}

/** The answer of a call that went well. Throws `mesh_unreachable`, `not_a_mesh`, or the mesh's own code and sentence. */
export async function callMesh(
  { url, apiKey }: MeshAccess,
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
    const reason =
      error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new RunmeshError(
      'mesh_unreachable',
      `The mesh at ${url} cannot be reached (${reason}). Check --mesh and your network.`,
      {
        cause: error,
        retryable: true,
      },
    );
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
