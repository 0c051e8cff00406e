import { bounded } from './bounded.ts';

export interface Post {
  fetch: typeof fetch;
  url: string;
  body: unknown;
  headers: Readonly<Record<string, string>>;
  /** For the whole answer. */
  withinMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Posts JSON and reads the whole answer; `answer` is `undefined` where it is no JSON. Rejects where nobody was reached, when it took
 * too long and when `signal` aborts.
 */
export function postJson(post: Post): Promise<{ response: Response; answer: unknown }> {
  const { fetch, url, body, headers } = post;
  return bounded(post.withinMs, post.signal, async (signal) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal,
    });
    return { response, answer: await response.json().catch(() => undefined) };
  });
}
