import { z } from 'zod';
import type { Route } from './route.ts';

/** The OpenAPI 3.1 document of these routes: the schemas that check a request are the ones that describe it. */
export function describeRoutes(routes: readonly Route[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: describeRoute(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'RunMesh embedded mesh', version: '1' },
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
  };
}

function describeRoute(route: Route): Record<string, unknown> {
  const data = route.answer === undefined ? {} : schemaOf(route.answer, 'output');
  return {
    summary: route.summary,
    security: route.scope === undefined ? [] : [{ bearer: [route.scope] }, { apiKey: [route.scope] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: json(schemaOf(route.body, 'input')) } }),
    responses: {
      '2XX': { description: 'Success.', content: json({ type: 'object', properties: { data } }) },
      default: { description: 'An error envelope.' },
    },
  };
}

function pathParameters(path: string): unknown[] {
  return [...path.matchAll(/:(\w+)/g)].map((match) => {
    return { name: match[1], in: 'path', required: true, schema: { type: 'string' } };
  });
}

function queryParameters(route: Route): unknown[] {
  if (route.query === undefined) return [];
  const { properties = {} } = schemaOf(route.query, 'input') as { properties?: Record<string, unknown> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}

function json(schema: unknown): Record<string, unknown> {
  return { 'application/json': { schema } };
}
