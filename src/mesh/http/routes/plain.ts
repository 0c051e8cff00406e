import type { MeshServices } from '../../context.ts';
import { LINK_PAGE_PATH } from '../../links/link-device.ts';
import { linkPage } from '../../links/link-page.ts';
import { ok } from '../reply.ts';
import { openRoute, type Route } from '../route.ts';

export function plainRoutes(services: MeshServices): Route[] {
  return [
    openRoute({
      method: 'get',
      path: '/healthz',
      summary: 'Whether the mesh is up.',
      handle: () => ok({ status: 'ok' }),
    }),
    openRoute({
      method: 'get',
      path: LINK_PAGE_PATH,
      summary: 'The page on which an owner approves a device.',
      handle: () => ({ kind: 'response', response: linkPage(services.random.bytes(16).toString('base64')) }),
    }),
  ];
}
