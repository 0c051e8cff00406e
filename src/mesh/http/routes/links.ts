import { z } from 'zod';
import { isRunmeshError } from '../../../kit/errors.ts';
import {
  linkApprove,
  linkPoll,
  linkPollAnswer,
  linkStart,
  linkStartAnswer,
} from '../../../protocol/nodes.ts';
import { networkOf } from '../../caller-address.ts';
import type { MeshServices } from '../../context.ts';
import { approveLink, isSignedPoll, linkFacts, pollLink, startLink } from '../../links/link-device.ts';
import type { RateLimiter, Rule } from '../../rate-limiter.ts';
import type { KeyRow } from '../../store/keys.ts';
import { ok } from '../reply.ts';
import { keyedRoute, openRoute, type Route } from '../route.ts';

export function linkRoutes(services: MeshServices, limiter: RateLimiter): Route[] {
  return [
    openRoute({
      method: 'post',
      path: '/v1/runmesh/devices/link/start',
      summary: 'A device asks to be linked; answers the code its owner approves.',
      body: linkStart,
      answer: linkStartAnswer,
      handle: ({ body, address }) => {
        limiter.take(`link-start ${networkOf(address)}`, STARTS);
        return ok(startLink(services, body, address), 201);
      },
    }),
    openRoute({
      method: 'post',
      path: '/v1/runmesh/devices/link/poll',
      summary: 'The device asks, signed with its key, whether its owner has approved.',
      body: linkPoll,
      answer: linkPollAnswer,
      handle: (call) => {
        limiter.take(`link-poll ${networkOf(call.address)}`, POLLS);
        // The device itself is heard, however often somebody at its address has guessed.
        const guesser = networkOf(call.address);
        if (!isSignedPoll(services, call.body)) limiter.check(wrongCodesOf(guesser), WRONG_CODES);
        return ok(countingWrongCodes(limiter, guesser, () => pollLink(services, call.body)));
      },
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/runmesh/devices/link/approve',
      scope: 'runmesh:write',
      summary: 'The owner approves a code, or denies it.',
      body: linkApprove,
      handle: (call) => ok(withinTries(limiter, call.key, () => approveLink(services, call.key, call.body))),
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/runmesh/devices/link/:code',
      scope: 'runmesh:write',
      summary: 'What the owner should see before approving: label, host, system, fingerprint.',
      answer: z.record(z.string(), z.json()),
      handle: (call) =>
        ok(withinTries(limiter, call.key, () => linkFacts(services, call.key, call.param('code')))),
    }),
  ];
}

/** For who has a key: after too many wrong codes of its organisation nothing is looked up. */
function withinTries<T>(limiter: RateLimiter, { orgId }: Pick<KeyRow, 'orgId'>, work: () => T): T {
  limiter.check(wrongCodesOf(orgId), WRONG_CODES);
  return countingWrongCodes(limiter, orgId, work);
}

/**
 * Counts what names no code, and what names one without its key: both are how somebody guesses. Who polls is a network; who
 * has a key is its organisation, which can make itself any number of keys and call from anywhere. Apart from each other, so that
 * a stranger's guesses keep no owner behind the same address from approving.
 */
function countingWrongCodes<T>(limiter: RateLimiter, guesser: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isRunmeshError(error, 'not_found') || isRunmeshError(error, 'unauthorized')) {
      limiter.count(wrongCodesOf(guesser), WRONG_CODES);
    }
    throw error;
  }
}

function wrongCodesOf(guesser: string): string {
  return `wrong-code ${guesser}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Calls of an address. A person links a few devices; a guesser needs millions of tries for a code of 30 bits. */
const STARTS: Rule = { limit: 60, windowMs: MINUTE_MS };
const POLLS: Rule = { limit: 600, windowMs: MINUTE_MS };
const WRONG_CODES: Rule = { limit: 20, windowMs: HOUR_MS };
