import { createParser } from 'eventsource-parser';

export interface ApiAnswer {
  status: number;
  headers: Headers;
  // The tests read answers as a caller without our types does.
  // biome-ignore lint/suspicious/noExplicitAny: what is in it is what the test is about
  data: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  body: any;
}

interface ApiOptions {
  body?: unknown;
  /** `null`: without a key. Left out: the mesh's own. */
  apiKey?: string | null;
  headers?: Record<string, string>;
}

function request(mesh: { apiKey: string }, method: string, options: ApiOptions): RequestInit {
  const apiKey = options.apiKey === undefined ? mesh.apiKey : options.apiKey;
  return {
    method,
    headers: {
      ...(apiKey === null ? {} : { Authorization: `Bearer ${apiKey}` }),
      ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  };
}

export async function callApi(
  mesh: { url: string; apiKey: string },
  method: string,
  path: string,
  options: ApiOptions = {},
): Promise<ApiAnswer> {
  const response = await fetch(mesh.url + path, request(mesh, method, options));
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const body = isJson ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, data: body.data, body };
}

export interface SseFrame {
  event: string | undefined;
  id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  data: any;
}

/** A caller's open stream. */
export class SseReader {
  readonly status: number;
  readonly headers: Headers;
  readonly comments: string[] = [];
  readonly frames: SseFrame[] = [];
  /** Settles when the stream ended: with `true`, or `false` where it was cut. */
  readonly ended: Promise<boolean>;
  readonly #cancel = new AbortController();
  #look: () => void = () => {};
  #over = false;

  static async open(
    mesh: { url: string; apiKey: string },
    method: string,
    path: string,
    options: ApiOptions = {},
  ): Promise<SseReader> {
    const cancel = new AbortController();
    const response = await fetch(mesh.url + path, {
      ...request(mesh, method, options),
      signal: cancel.signal,
    });
    return new SseReader(response, cancel);
  }

  constructor(response: Response, cancel: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#cancel = cancel;
    this.ended = this.#read(response);
  }

  /** Resolves with the first frame that fits, now or when it comes. */
  async until(fits: (frame: SseFrame) => boolean): Promise<SseFrame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      if (this.#over) throw new Error('the stream ended without that frame');
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }

  leave(): void {
    this.#cancel.abort();
  }

  /** A message's text by the reader's rule. */
  textOf(messageId: string): string {
    return this.frames
      .filter(({ event, data }) => event?.endsWith('_delta') && data.messageId === messageId)
      .reduce((text, { data }) => text.slice(0, data.offset) + data.text, '');
  }

  async #read(response: Response): Promise<boolean> {
    const parser = createParser({
      onEvent: ({ event, id, data }) => this.frames.push({ event, id, data: JSON.parse(data) }),
      onComment: (comment) => this.comments.push(comment),
    });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
        this.#look();
      }
      return true;
    } catch {
      return false;
    } finally {
      this.#over = true;
      this.#look();
    }
  }
}
