import { z } from 'zod';
import { modelProxyRequest, modelsAvailable } from '../../../protocol/model-proxy.ts';
import type { MeshServices } from '../../context.ts';
import { collectParts, openModelStream, writeParts } from '../model-stream.ts';
import { ok, STREAMED } from '../reply.ts';
import { keyedRoute, type Route } from '../route.ts';

export function modelRoutes(services: MeshServices): Route[] {
  return [
    keyedRoute({
      method: 'get',
      path: '/v1/models/available',
      scope: 'agent:read',
      summary: 'The models this mesh offers, and those that need a key of the device.',
      answer: modelsAvailable,
      handle: () => ok(services.models.available()),
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/model-proxy',
      scope: 'agent:run',
      summary: 'Calls a model; answers all its stream parts at once.',
      body: modelProxyRequest,
      answer: z.object({ parts: z.array(z.record(z.string(), z.json())) }),
      handle: async (call) => {
        const parts = await openModelStream(services.models, call.body, call.gone);
        return ok({ parts: await collectParts(parts) });
      },
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/model-proxy/stream',
      scope: 'agent:run',
      summary: 'Calls a model; answers its stream parts as NDJSON, a failure as a `proxy_error` line.',
      body: modelProxyRequest,
      handle: async (call) => {
        const parts = await openModelStream(services.models, call.body, call.gone);
        await writeParts(parts, call.response, { requestId: call.requestId, log: services.log });
        return STREAMED;
      },
    }),
  ];
}
