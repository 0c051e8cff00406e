import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSearchConfig } from '../../src/protocol/tools-config.ts';
import { executeTool } from '../../src/tools/run-tool.ts';
import { webSearch } from '../../src/tools/web-search.ts';
import { call, contextOf, workspaceWith } from './harness.ts';

interface Heard {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A provider that answers this and remembers what it was asked. */
async function provider(answer: unknown, status = 200, headers: Record<string, string> = {}) {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      heard.push({ method: request.method, url: request.url, headers: request.headers, body });
      response.writeHead(status, headers).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  onTestFinished(close);
  return {
    close,
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
  };
}

const tool = (config: WebSearchConfig | undefined, environment: Record<string, string> = { KEY: 'secret' }) =>
  webSearch({ webSearch: config, fetch, environment });
const search = (config: WebSearchConfig | undefined, args: unknown, environment?: Record<string, string>) =>
  call(tool(config, environment), workspaceWith(), args);

describe('web_search', () => {
  it('asks Brave with the key in its header', async () => {
    const { baseUrl, heard } = await provider({
      web: {
        results: [
          { title: 'A', url: 'https://a.example', description: 'the <strong>word</strong>\n a &lt; b' },
        ],
      },
    });
    const output = await search(
      { provider: 'brave', apiKeyEnv: 'KEY', baseUrl },
      { query: 'a & b', count: 3 },
    );
    expect(output).toEqual({ text: '1. A\n   https://a.example\n   the word a &lt; b' });
    expect(heard).toMatchObject([
      {
        method: 'GET',
        url: '/res/v1/web/search?q=a+%26+b&count=3',
        headers: { 'x-subscription-token': 'secret' },
      },
    ]);
  });

  it('asks Tavily with the key as a bearer', async () => {
    const results = [1, 2, 3].map((n) => ({ title: `T${n}`, url: `https://${n}.example`, content: 'text' }));
    const { baseUrl, heard } = await provider({ results });
    const { text } = await search(
      { provider: 'tavily', apiKeyEnv: 'KEY', baseUrl },
      { query: 'x', count: 2 },
    );
    expect(text).toBe('1. T1\n   https://1.example\n   text\n\n2. T2\n   https://2.example\n   text');
    expect(heard[0]).toMatchObject({
      method: 'POST',
      url: '/search',
      headers: { authorization: 'Bearer secret' },
    });
    expect(JSON.parse(heard[0]?.body ?? '')).toEqual({ query: 'x', max_results: 2 });
  });

  it('asks a SearXNG under its own path, without a key', async () => {
    const { baseUrl, heard } = await provider({ results: [{ title: 'S', url: 'https://s.example' }] });
    const { text } = await search({ provider: 'searxng', baseUrl: `${baseUrl}/under` }, { query: 'x' }, {});
    expect(text).toContain('https://s.example');
    expect(heard[0]?.url).toBe('/under/search?q=x&format=json');
  });

  it('says that nothing was found', async () => {
    const { baseUrl } = await provider({});
    const output = await search({ provider: 'brave', apiKeyEnv: 'KEY', baseUrl }, { query: 'zzz' });
    expect(output).toEqual({ text: '[nothing found for zzz]' });
  });

  it('says what is missing where no provider or no key is set', async () => {
    expect((await search(undefined, { query: 'x' })).text).toContain('runmesh config set webSearch');
    const without = await search({ provider: 'brave', apiKeyEnv: 'KEY' }, { query: 'x' }, {});
    expect(without).toMatchObject({ isError: true, text: expect.stringContaining('KEY') });
  });

  it.each([
    ['a refused key', {}, 401, 'does not accept'],
    ['too many searches', {}, 429, 'Try again later'],
    ['an error of the provider', {}, 500, 'status 500'],
    ['a page instead of results', '<html>', 200, 'no JSON'],
    ['results of another form', { results: [{ name: 'A' }] }, 200, 'something else'],
  ])('explains %s', async (_, answer, status, why) => {
    const { baseUrl } = await provider(answer, status);
    const output = await search({ provider: 'tavily', apiKeyEnv: 'KEY', baseUrl }, { query: 'x' });
    expect(output).toMatchObject({ isError: true, text: expect.stringContaining(why) });
    expect(output.text).not.toContain('secret');
  });

  it('gives its key to no address it is sent on to', async () => {
    const other = await provider({ web: { results: [] } });
    const { baseUrl } = await provider('', 302, { location: other.baseUrl });
    expect((await search({ provider: 'brave', apiKeyEnv: 'KEY', baseUrl }, { query: 'x' })).isError).toBe(
      true,
    );
    expect(other.heard).toEqual([]);
  });

  it('says that a provider cannot be reached', async () => {
    const { baseUrl, close } = await provider({});
    await close();
    const output = await search({ provider: 'searxng', baseUrl }, { query: 'x' });
    expect(output).toMatchObject({ isError: true, text: expect.stringContaining('ECONNREFUSED') });
  });

  it('refuses a blank query', async () => {
    expect((await search(undefined, { query: '  ' })).text).toContain('"query"');
  });

  it('ends with its run', async () => {
    const abort = new AbortController();
    const context = contextOf(workspaceWith(), { signal: abort.signal });
    const { baseUrl } = await provider({ results: [] });
    const searching = executeTool(
      tool({ provider: 'searxng', baseUrl }),
      'web_search',
      '{"query":"x"}',
      context,
    );
    abort.abort(new Error('cancelled'));
    await expect(searching).rejects.toThrow('cancelled');
  });
});
