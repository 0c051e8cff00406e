import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { RunmeshError } from '../../kit/errors.ts';
import { prefixedId } from '../../kit/random.ts';
import type { MeshServices } from '../context.ts';
import { errorReply } from './error-reply.ts';
import { describeRoutes } from './openapi.ts';
import { readBody, readInput, readJson } from './read-input.ts';
import type { Reply } from './reply.ts';
import type { Call, Route } from './route.ts';
import { authenticate, requireScope } from './scopes.ts';

type AppEnv = { Bindings: HttpBindings; Variables: { requestId: string } };

/** The HTTP side: each route with its key, scope, checked input and envelope. */
export function createApp(services: MeshServices, routes: readonly Route[]): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(async (context, next) => {
    context.set('requestId', prefixedId(services.random, 'req'));
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
  if (key !== undefined && route.scope !== undefined) requireScope(key, route.scope);
  const { incoming, outgoing } = context.env;
  const call: Call<unknown, unknown> & { key: typeof key } = {
    key,
    body: route.body && readJson(await readBody(incoming), route.body),
    query: route.query && readInput(context.req.query(), route.query),
    requestId: context.get('requestId'),
    address: incoming.socket.remoteAddress ?? '',
    param: (name) => context.req.param(name) ?? '',
    header,
    response: outgoing,
    gone: goneSignal(outgoing),
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

function goneSignal(outgoing: HttpBindings['outgoing']): AbortSignal {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  return gone.signal;
}
