import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { KeyRow } from '../store/keys.ts';
import type { Reply } from './reply.ts';
import type { Scope } from './scopes.ts';

/** A request as a handler sees it, its parts already checked. */
export interface Call<Body, Query> {
  body: Body;
  query: Query;
  requestId: string;
  /** The caller's network address; never what a header claims. */
  address: string;
  param(name: string): string;
  header(name: string): string | undefined;
  /** For answers that are streamed: the handler writes here and answers `STREAMED`. */
  response: ServerResponse;
  /** Aborted when the caller hangs up, or with `KEY_ENDED` when its key does not live any longer. */
  gone: AbortSignal;
}

export interface KeyedCall<Body, Query> extends Call<Body, Query> {
  key: KeyRow;
}

interface RouteFacts<Body, Query> {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** With `:name` parameters. */
  path: string;
  summary: string;
  body?: z.ZodType<Body>;
  query?: z.ZodType<Query>;
  /** What `data` of a successful answer is, for the OpenAPI document. */
  answer?: z.ZodType;
}

export interface Route extends RouteFacts<unknown, unknown> {
  /** `undefined`: anybody may call it. */
  scope: Scope | undefined;
  handle(call: KeyedCall<never, never>): Reply | Promise<Reply>;
}

/** A route for callers with a key that grants `scope`. */
export function keyedRoute<Body = undefined, Query = undefined>(
  route: RouteFacts<Body, Query> & {
    scope: Scope;
    handle(call: KeyedCall<Body, Query>): Reply | Promise<Reply>;
  },
): Route {
  return route as Route;
}

/** A route for everybody. */
export function openRoute<Body = undefined, Query = undefined>(
  route: RouteFacts<Body, Query> & { handle(call: Call<Body, Query>): Reply | Promise<Reply> },
): Route {
  return { ...route, scope: undefined } as Route;
}
