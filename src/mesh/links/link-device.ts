import { isoTime } from '../../kit/clock.ts';
import { RunmeshError } from '../../kit/errors.ts';
import { fingerprintOf } from '../../kit/fingerprint.ts';
import { prefixedId, randomText } from '../../kit/random.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { LinkPollAnswer, LinkStart, LinkStartAnswer } from '../../protocol/nodes.ts';
import { linkPollText } from '../../protocol/signing.ts';
import { networkOf } from '../caller-address.ts';
import type { MeshCore, MeshServices } from '../context.ts';
import { createKey, type KeyRow, revokeDeviceKeys } from '../store/keys.ts';
import {
  countWrongSignature,
  dropOldLinks,
  findLink,
  insertLink,
  type LinkRow,
  pendingAddresses,
  setLinkState,
} from '../store/link-codes.ts';
import { findNode, findNodeByKey, insertNode, recordLink, replaceNodeKey } from '../store/nodes.ts';
import { ownerOf } from '../store/owner-key.ts';
import { verifyText } from '../verify-text.ts';
import { readMetadata, replacedNode } from './link-metadata.ts';

/** Where the owner approves a device in a browser. The code is not in it: whoever approves types it. */
export const LINK_PAGE_PATH = '/devices/link';

export function startLink(core: MeshCore, body: LinkStart, address: string): LinkStartAnswer {
  const { store, clock, random } = core;
  const now = clock.now();
  dropOldLinks(store, now - KEEP_EXPIRED_MS);
  const waiting = pendingAddresses(store, now);
  const network = networkOf(address);
  const near = waiting.filter((one) => networkOf(one) === network).length;
  if (waiting.length >= MAX_PENDING || near >= MAX_PENDING_OF_NETWORK) {
    throw new RunmeshError('rate_limited', 'Too many devices wait to be linked. Wait, then try again.', {
      retryable: true,
      retryAfterMs: LIMITS.linkCodeMs,
    });
  }
  const code = randomText(random, CODE_LENGTH, CODE_ALPHABET);
  const expiresAt = now + LIMITS.linkCodeMs;
  const { publicKey, deviceLabel: label, os, hostname, appVersion } = body;
  const metadata = JSON.stringify(readMetadata(body.clientMetadata));
  insertLink(store, {
    code,
    publicKey,
    label,
    os,
    hostname,
    appVersion,
    metadata,
    address,
    createdAt: now,
    expiresAt,
  });
  return { code, url: `${core.origins[0]}${LINK_PAGE_PATH}`, expiresAt: isoTime(expiresAt) };
}

/** Answers the device that holds the key given at the start, and nobody else. An approved code gives its key once. */
export function pollLink(core: MeshCore, body: { code: string; signature: string }): LinkPollAnswer {
  const { store, clock } = core;
  const link = knownLink(core, body.code);
  if (!isSignedPoll(core, body)) {
    countWrongSignature(store, link.code, MAX_WRONG_SIGNATURES);
    throw new RunmeshError('unauthorized', 'The signature is not by the key this code was given to.');
  }
  if (link.state === 'denied') return { status: 'denied' };
  if (link.state === 'used' || link.expiresAt <= clock.now()) return { status: 'expired' };
  if (link.state === 'pending') {
    // Somebody who approves at once should not wait for the poll.
    const young = clock.now() - link.createdAt < EAGER_MS;
    return { status: 'pending', retryAfterMs: young ? LIMITS.linkPollMs / 4 : LIMITS.linkPollMs };
  }
  return handOver(core, link);
}

/** Whether the poll is by the key its code was given to. */
export function isSignedPoll(
  { store, origins }: MeshCore,
  body: { code: string; signature: string },
): boolean {
  const link = findLink(store, codeOf(body.code));
  if (link === undefined || link.state === 'dead') return false;
  return origins.some((origin) => {
    return verifyText(link.publicKey, linkPollText({ code: link.code, origin }), body.signature);
  });
}

/**
 * Approves or denies a pending code for the organisation of the caller's key. Where the code's key takes the place of
 * another one, all of that one ends here: its connection, its API keys and what they hold.
 */
export function approveLink(
  core: MeshServices,
  key: KeyRow,
  body: { code: string; deny?: boolean | undefined },
): Record<string, unknown> {
  const { store, clock, random, log } = core;
  const link = knownLink(core, body.code);
  if (link.state !== 'pending') throw new RunmeshError('conflict', `Code ${link.code} was answered before.`);
  if (link.expiresAt <= clock.now()) {
    throw new RunmeshError(
      'conflict',
      `Code ${link.code} has expired. Start \`runmesh link\` again on the device.`,
    );
  }
  if (body.deny === true) {
    setLinkState(store, link.code, 'denied');
    return { code: link.code, status: 'denied' };
  }
  const { deviceId, endedKeys } = store.transaction(() => {
    const known = findNodeByKey(store, key.orgId, link.publicKey) ?? replacedNode(core, key.orgId, link);
    const id = known?.id ?? prefixedId(random, 'dev');
    if (known === undefined) insertNode(store, { ...link, id, orgId: key.orgId }, clock.now());
    else {
      recordLink(store, { ...link, id });
      replaceNodeKey(store, id, link.publicKey);
    }
    setLinkState(store, link.code, 'approved', id);
    const replaced = known !== undefined && known.publicKey !== link.publicKey;
    return { deviceId: id, endedKeys: replaced ? revokeDeviceKeys(store, id, clock.now()) : undefined };
  });
  if (endedKeys !== undefined) {
    core.devices.close(deviceId, 'auth');
    core.held.cut(endedKeys);
  }
  log.info({ deviceId, label: link.label }, 'device approved');
  return { code: link.code, status: 'approved', deviceId };
}

/** What the owner should know before approving. A device of another organisation is not told of. */
export function linkFacts(core: MeshCore, key: KeyRow, code: string): Record<string, unknown> {
  const link = knownLink(core, code);
  const replaced = replacedNode(core, key.orgId, link);
  const expired = link.state === 'pending' && link.expiresAt <= core.clock.now();
  return {
    code: link.code,
    status: expired ? 'expired' : link.state,
    label: link.label,
    hostname: link.hostname,
    os: link.os,
    appVersion: link.appVersion,
    keyFingerprint: fingerprintOf(link.publicKey),
    address: link.address,
    requests: readMetadata(JSON.parse(link.metadata)).requests,
    replaces:
      replaced === undefined
        ? null
        : { deviceId: replaced.id, label: replaced.label, keyFingerprint: fingerprintOf(replaced.publicKey) },
    createdAt: isoTime(link.createdAt),
    expiresAt: isoTime(link.expiresAt),
  };
}

function knownLink({ store }: MeshCore, code: string): LinkRow {
  const link = findLink(store, codeOf(code));
  if (link !== undefined && link.state !== 'dead') return link;
  throw new RunmeshError(
    'not_found',
    'There is no such code. Look at the device again; codes live ten minutes.',
  );
}

/** As people type it. */
function codeOf(text: string): string {
  return text.trim().toUpperCase();
}

/**
 * Gives the device its identity and a new key of its own; keys of an earlier linking end. A device that was given to yet
 * another key since this code was approved is not this one's any more.
 */
function handOver(core: MeshCore, link: LinkRow): LinkPollAnswer {
  const { store, clock, random } = core;
  const now = clock.now();
  let endedKeys: string[] = [];
  const answer = store.transaction(() => {
    const node = findNode(store, link.deviceId ?? '');
    const denied = node === undefined || node.revokedAt !== null || node.publicKey !== link.publicKey;
    if (denied) return { status: 'denied' as const };
    setLinkState(store, link.code, 'used');
    endedKeys = revokeDeviceKeys(store, node.id, now);
    const { apiKey } = createKey(
      store,
      random,
      {
        orgId: node.orgId,
        userId: ownerOf(node.orgId),
        deviceId: node.id,
        name: node.label,
        scopes: DEVICE_SCOPES,
      },
      now,
    );
    return {
      status: 'approved' as const,
      node: {
        deviceId: node.id,
        orgId: node.orgId,
        label: node.label,
        meshOrigin: core.origins[0],
        meshEpoch: store.meshEpoch,
      },
      apiKey,
    };
  });
  core.held.cut(endedKeys);
  return answer;
}

const DEVICE_SCOPES = ['agent:run', 'agent:read'];
const CODE_LENGTH = 6;
/** Without 0, O, 1 and I, which people mistake: 32 signs, so 30 bits a code. */
const CODE_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const MAX_WRONG_SIGNATURES = 5;
const MAX_PENDING = 1_000;
/** So that no single network keeps everybody else's devices out. */
const MAX_PENDING_OF_NETWORK = 100;
const KEEP_EXPIRED_MS = 3_600_000;
const EAGER_MS = 60_000;
