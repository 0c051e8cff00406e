import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { messageOf, RunmeshError } from '../../kit/errors.ts';
import { prefixedId } from '../../kit/random.ts';
import { addressOf } from '../caller-address.ts';
import type { MeshServices } from '../context.ts';
import { whyNotHere } from '../host-guard.ts';
import type { Allowance } from '../rate-limiter.ts';
import { type KeyRow, recordKeyUse } from '../store/keys.ts';
import { allowanceHeaders, errorReply } from './error-reply.ts';
import { describeRoutes } from './openapi.ts';
import { readBody, readInput, readJson } from './read-input.ts';
import type { Reply } from './reply.ts';
import type { Call, Route } from './route.ts';
import { authenticate, requireScope } from './scopes.ts';

type AppEnv = { Bindings: HttpBindings; Variables: { requestId: string; address: string } };

/** The HTTP side: each route with its key, scope, checked input and envelope. */
export function createApp(services: MeshServices, routes: readonly Route[]): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(async (context, next) => {
    context.set('requestId', prefixedId(services.random, 'req'));
    const { incoming, outgoing } = context.env;
    for (const [name, value] of Object.entries(GUARD_HEADERS)) outgoing.setHeader(name, value);
    const refusal = whyNotHere(incoming, services);
    if (refusal !== undefined) throw new RunmeshError('forbidden', refusal);
    context.set('address', addressOf(incoming, services.trustedProxy));
    tellAllowance(outgoing, services.limits.takeAddress(context.get('address')));
    await next();
  });
  for (const route of routes) {
    app.on(route.method.toUpperCase(), route.path, (context) => answer(services, route, context));
  }
  app.get('/openapi.json', (context) => context.json(describeRoutes(routes)));
  app.notFound(({ req, get }) => {
    const error = new RunmeshError('not_found', `There is no ${req.method} ${req.path} here.`);
    return errorReply(error, get('requestId'), services.log);
  });
  app.onError((error, { get }) => errorReply(error, get('requestId'), services.log));
  return app;
}

async function answer(services: MeshServices, route: Route, context: Context<AppEnv>): Promise<Response> {
  const header = (name: string) => context.req.header(name);
  const key = route.scope === undefined ? undefined : authenticate(services, header);
  const { incoming, outgoing } = context.env;
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  if (key !== undefined && route.scope !== undefined) {
    tellAllowance(outgoing, services.limits.takeKey(key.id));
    requireScope(key, route.scope);
    outgoing.once('close', services.held.hold(key.id, gone));
    noteUse(services, key);
  }
  const call: Call<unknown, unknown> & { key: typeof key } = {
    key,
    body: route.body && readJson(await readBody(incoming), route.body),
    query: route.query && readInput(context.req.query(), route.query),
    requestId: context.get('requestId'),
    address: context.get('address'),
    param: (name) => context.req.param(name) ?? '',
    header,
    response: outgoing,
    gone: gone.signal,
  };
  return envelope(await route.handle(call as never), call.requestId);
}

function envelope(reply: Reply, requestId: string): Response {
  switch (reply.kind) {
    case 'streamed':
      return RESPONSE_ALREADY_SENT;
    case 'response':
      return reply.response;
    case 'page': {
      const place = { hasMore: reply.nextCursor !== null, nextCursor: reply.nextCursor };
      return Response.json(
        { data: reply.data, meta: { requestId, ...place }, ...place },
        { headers: { 'X-Request-ID': requestId } },
      );
    }
    case 'data':
      return Response.json(
        { data: reply.data, meta: { requestId } },
        { status: reply.status, headers: { 'X-Request-ID': requestId } },
      );
  }
}

/** A disk that is full does not keep anybody from reading. */
function noteUse({ store, clock, log }: MeshServices, key: KeyRow): void {
  try {
    recordKeyUse(store, key, clock.now());
  } catch (error) {
    log.warn({ keyId: key.id, error: messageOf(error) }, 'the use of a key could not be noted');
  }
}

function tellAllowance(outgoing: HttpBindings['outgoing'], allowance: Allowance): void {
  for (const [name, value] of Object.entries(allowanceHeaders(allowance))) outgoing.setHeader(name, value);
}

/** What is true of every answer; a page says more of itself. */
const GUARD_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
