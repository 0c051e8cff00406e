import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import type { WebSearchConfig } from '../protocol/tools-config.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  query: z.string().min(1).max(400).describe('What to search the web for.'),
  count: z.int().min(1).max(20).optional().describe('Most results; 5 by default.'),
});

export interface WebSearchOptions {
  webSearch: WebSearchConfig | undefined;
  fetch: typeof fetch;
  environment: Readonly<Record<string, string | undefined>>;
}

export function webSearch(options: WebSearchOptions): Tool<z.infer<typeof input>> {
  return {
    name: 'web_search',
    description: 'Searches the web; returns titles, addresses and short extracts.',
    input,
    repeatable: true,
    execute: async ({ query, count = 5 }, { signal }) => {
      const request = requestFor(query, count, options);
      const results = await ask(
        request,
        options.fetch,
        AbortSignal.any([signal, AbortSignal.timeout(SEARCH_MS)]),
      );
      if (results.length === 0) return { text: 'Nothing found.' };
      const lines = results
        .slice(0, count)
        .map(({ title, url, text }, index) => `${index + 1}. ${title}\n   ${url}\n   ${text}`);
      return { text: lines.join('\n') };
    },
  };
}

interface SearchRequest {
  url: URL;
  init: RequestInit;
  read(answer: unknown): { title: string; url: string; text: string }[];
}

function requestFor(
  query: string,
  count: number,
  { webSearch: config, environment }: WebSearchOptions,
): SearchRequest {
  if (config === undefined) {
    throw new RunmeshError(
      'web_search_not_set',
      'Web search is not set up on this device. Its owner can name a provider with `runmesh config set webSearch`.',
    );
  }
  if (config.provider === 'searxng') {
    const url = new URL('search', config.baseUrl.endsWith('/') ? config.baseUrl : `${config.baseUrl}/`);
    url.searchParams.set('q', query);
    url.searchParams.set('format', 'json');
    return {
      url,
      init: {},
      read: (answer) => searxng.parse(answer).results.map((one) => ({ ...one, text: one.content })),
    };
  }
  const key = environment[config.apiKeyEnv];
  if (!key) {
    throw new RunmeshError(
      'web_search_not_set',
      `Web search needs a key: ${config.apiKeyEnv} is not set on this device.`,
    );
  }
  if (config.provider === 'brave') {
    const url = new URL(config.baseUrl ?? 'https://api.search.brave.com/res/v1/web/search');
    url.searchParams.set('q', query);
    url.searchParams.set('count', String(count));
    const init = { headers: { 'x-subscription-token': key, accept: 'application/json' } };
    return {
      url,
      init,
      read: (answer) =>
        (brave.parse(answer).web?.results ?? []).map((one) => ({ ...one, text: one.description })),
    };
  }
  return {
    url: new URL(config.baseUrl ?? 'https://api.tavily.com/search'),
    init: {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, max_results: count }),
    },
    read: (answer) => tavily.parse(answer).results.map((one) => ({ ...one, text: one.content })),
  };
}

async function ask(
  { url, init, read }: SearchRequest,
  fetch: WebSearchOptions['fetch'],
  signal: AbortSignal,
) {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal });
  } catch (error) {
    throw new RunmeshError('web_search_failed', `The search provider at ${url.host} cannot be reached.`, {
      cause: error,
    });
  }
  if (!response.ok)
    throw new RunmeshError(
      'web_search_failed',
      `The search provider at ${url.host} answered ${response.status}.`,
    );
  try {
    return read(await response.json());
  } catch (error) {
    throw new RunmeshError(
      'web_search_failed',
      `The search provider at ${url.host} answered something else than results.`,
      { cause: error },
    );
  }
}

const text = z.string().default('');
const brave = z.object({
  web: z
    .object({ results: z.array(z.object({ title: z.string(), url: z.string(), description: text })) })
    .optional(),
});
const tavily = z.object({
  results: z.array(z.object({ title: z.string(), url: z.string(), content: text })),
});
const searxng = tavily;
const SEARCH_MS = 15_000;
