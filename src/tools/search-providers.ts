import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import type { WebSearchConfig } from '../protocol/tools-config.ts';

export interface SearchResult {
  title: string;
  url: string;
  extract: string;
}

/** One search, as its provider wants to be asked and answers. */
export interface SearchRequest {
  url: URL;
  init: RequestInit;
  read(answer: unknown): z.ZodSafeParseResult<SearchResult[]>;
}

/** Throws `web_search_not_set` where no provider or no key is configured. */
export function searchRequest(
  query: string,
  count: number,
  config: WebSearchConfig | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  storedKey: (provider: string) => string | undefined = () => undefined,
): SearchRequest {
  if (config === undefined) {
    throw notSet(
      'Web search is not set up on this device. Its owner sets it with `runmesh config set webSearch`.',
    );
  }
  if (config.provider === 'searxng') return searxng(query, config.baseUrl);
  const key = environment[config.apiKeyEnv] || storedKey(config.provider);
  if (key === undefined) {
    throw notSet(
      `Web search needs a key: ${config.apiKeyEnv} is not set where this device's daemon runs, and none is stored. Its owner stores one with \`runmesh keys set ${config.provider}\`.`,
    );
  }
  return config.provider === 'brave'
    ? brave(query, count, key, config.baseUrl)
    : tavily(query, count, key, config.baseUrl);
}

/** https://api-dashboard.search.brave.com/api-reference/web/search/get */
function brave(
  query: string,
  count: number,
  key: string,
  baseUrl = 'https://api.search.brave.com',
): SearchRequest {
  const url = under(baseUrl, 'res/v1/web/search');
  url.searchParams.set('q', query);
  url.searchParams.set('count', String(count));
  return {
    url,
    init: { headers: { accept: 'application/json', 'x-subscription-token': key } },
    read: (body) => braveAnswer.safeParse(body),
  };
}

/** https://docs.tavily.com/documentation/api-reference/endpoint/search */
function tavily(
  query: string,
  count: number,
  key: string,
  baseUrl = 'https://api.tavily.com',
): SearchRequest {
  return {
    url: under(baseUrl, 'search'),
    init: {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, max_results: count }),
    },
    read: (body) => plainAnswer.safeParse(body),
  };
}

/** https://docs.searxng.org/dev/search_api.html; the instance must allow the format `json`. */
function searxng(query: string, baseUrl: string): SearchRequest {
  const url = under(baseUrl, 'search');
  url.searchParams.set('q', query);
  url.searchParams.set('format', 'json');
  return {
    url,
    init: { headers: { accept: 'application/json' } },
    read: (body) => plainAnswer.safeParse(body),
  };
}

/** A path under an address that may have one of its own. */
function under(baseUrl: string, path: string): URL {
  return new URL(path, baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
}

function notSet(message: string): RunmeshError {
  return new RunmeshError('web_search_not_set', message);
}

/** Brave calls the extract `description`, the others `content`. */
const result = z
  .object({
    title: z.string(),
    url: z.string(),
    description: z.string().nullish(),
    content: z.string().nullish(),
  })
  .transform(
    ({ title, url, description, content }): SearchResult => ({
      title,
      url,
      extract: description ?? content ?? '',
    }),
  );
const results = z.array(result);
const braveAnswer = z
  .object({ web: z.object({ results }).optional() })
  .transform(({ web }) => web?.results ?? []);
const plainAnswer = z.object({ results }).transform((answer) => answer.results);
