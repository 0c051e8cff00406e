import { z } from 'zod';
import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';
import type { WebSearchConfig } from '../protocol/tools-config.ts';
import { boundText } from './bounded-text.ts';
import { type SearchRequest, type SearchResult, searchRequest } from './search-providers.ts';
import type { Tool } from './tool.ts';

export interface WebSearchOptions {
  webSearch: WebSearchConfig | undefined;
  fetch: typeof fetch;
  /** Has the provider's key, by the name the config gives it. */
  environment: Readonly<Record<string, string | undefined>>;
  /** A key the owner stored, where the environment has none. */
  storedKey?: (provider: string) => string | undefined;
}

const input = z.strictObject({
  query: z.string().trim().min(1).max(400).describe('What to search for.'),
  count: z.int().min(1).max(20).optional().describe('Most results, from 1 to 20. Default: 5.'),
});

export function webSearch(options: WebSearchOptions): Tool<z.infer<typeof input>> {
  return {
    name: 'web_search',
    description: 'Searches the web and answers titles, addresses and short extracts.',
    input,
    repeatable: true,
    execute: async ({ query, count = 5 }, { signal }) => {
      const request = searchRequest(query, count, options.webSearch, options.environment, options.storedKey);
      const results = await ask(request, options.fetch, signal);
      if (results.length === 0) return { text: `[nothing found for ${query}]` };
      return { text: results.slice(0, count).map(describe).join('\n\n') };
    },
  };
}

async function ask(
  request: SearchRequest,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<SearchResult[]> {
  const { host } = request.url;
  const timeout = AbortSignal.timeout(SEARCH_MS);
  const tooLate = () => failed(`${host} did not answer within ${SEARCH_MS / 1_000} seconds.`);
  const response = await fetch(request.url, {
    ...request.init,
    // The key was meant for this address and no other.
    redirect: 'error',
    signal: AbortSignal.any([signal, timeout]),
  }).catch((error: unknown) => {
    if (timeout.aborted) throw tooLate();
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw failed(`${host} cannot be reached (${codeOf(cause, messageOf(cause))}).`);
  });
  if (!response.ok) throw failed(whyRefused(host, response.status));
  const body = await response.json().catch(() => {
    throw timeout.aborted ? tooLate() : failed(`${host} answered no JSON.`);
  });
  const answer = request.read(body);
  if (!answer.success) throw failed(`${host} answered something else than search results.`);
  return answer.data;
}

function whyRefused(host: string, status: number): string {
  if (status === 401 || status === 403) return `${host} does not accept this device's key (${status}).`;
  if (status === 429) return `${host} takes no more searches for now (429). Try again later.`;
  return `${host} answered with status ${status}.`;
}

function describe({ title, url, extract }: SearchResult, index: number): string {
  // Providers mark the words found by tags.
  const plain = extract
    .replace(/<\/?\w+>/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return `${index + 1}. ${title}\n   ${url}\n   ${boundText(plain, MAX_EXTRACT_UNITS)}`;
}

function failed(reason: string): RunmeshError {
  return new RunmeshError('web_search_failed', `The search did not work: ${reason}`);
}

const SEARCH_MS = 15_000;
const MAX_EXTRACT_UNITS = 1_500;
