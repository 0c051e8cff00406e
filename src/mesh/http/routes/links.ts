import { z } from 'zod';
import { RunmeshError } from '../../../kit/errors.ts';
import {
  linkApprove,
  linkPoll,
  linkPollAnswer,
  linkStart,
  linkStartAnswer,
} from '../../../protocol/nodes.ts';
import type { MeshServices } from '../../context.ts';
import { approveLink, linkFacts, pollLink, startLink } from '../../links/link-device.ts';
import type { RateLimiter } from '../rate-limiter.ts';
import { ok } from '../reply.ts';
import { type Call, keyedRoute, openRoute, type Route } from '../route.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Calls an address may make. A person links a few devices; a guesser needs millions of tries for a code of 30 bits. */
const STARTS_PER_MINUTE = 60;
const POLLS_PER_MINUTE = 600;
const WRONG_CODES_PER_HOUR = 20;

export function linkRoutes(services: MeshServices, limiter: RateLimiter): Route[] {
  return [
    openRoute({
      method: 'post',
      path: '/v1/runmesh/devices/link/start',
      summary: 'A device asks to be linked; answers the code its owner approves.',
      body: linkStart,
      answer: linkStartAnswer,
      handle: ({ body, address }) => {
        limiter.take(`link-start ${address}`, STARTS_PER_MINUTE, MINUTE_MS);
        return ok(startLink(services, body, address), 201);
      },
    }),
    openRoute({
      method: 'post',
      path: '/v1/runmesh/devices/link/poll',
      summary: 'The device asks, signed with its key, whether its owner has approved.',
      body: linkPoll,
      answer: linkPollAnswer,
      handle: ({ body, address }) => {
        limiter.take(`link-poll ${address}`, POLLS_PER_MINUTE, MINUTE_MS);
        return ok(pollLink(services, body));
      },
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/runmesh/devices/link/approve',
      scope: 'runmesh:write',
      summary: 'The owner approves a code, or denies it.',
      body: linkApprove,
      handle: (call) => {
        return ok(countingWrongCodes(limiter, call, () => approveLink(services, call.key, call.body)));
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/runmesh/devices/link/:code',
      scope: 'runmesh:write',
      summary: 'What the owner should see before approving: label, host, system, fingerprint.',
      answer: z.record(z.string(), z.json()),
      handle: (call) => ok(countingWrongCodes(limiter, call, () => linkFacts(services, call.param('code')))),
    }),
  ];
}

function countingWrongCodes<T>(
  limiter: RateLimiter,
  { address }: Pick<Call<unknown, unknown>, 'address'>,
  work: () => T,
): T {
  const subject = `wrong-code ${address}`;
  limiter.check(subject, WRONG_CODES_PER_HOUR);
  try {
    return work();
  } catch (error) {
    if (error instanceof RunmeshError && error.code === 'not_found') limiter.count(subject, HOUR_MS);
    throw error;
  }
}
