import { z } from 'zod';

/** Device linking and the registered nodes of an organisation. Bodies of poll and approve are ours. */

const label = z.string().min(1).max(100);

export const linkStart = z.object({
  /** Raw Ed25519 public key, 32 bytes, base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'an Ed25519 public key: 32 bytes as base64url'),
  deviceLabel: label,
  os: z.enum(['macos', 'linux', 'windows']),
  appVersion: z.string().max(50),
  hostname: z.string().max(255),
  clientMetadata: z.record(z.string(), z.json()).optional(),
});
export type LinkStart = z.infer<typeof linkStart>;

/** What of `clientMetadata` both ends of ours know; each field is ours, and may be missing. */
export const linkMetadata = z.object({
  /** Names of `DEVICE_REQUESTS`. */
  requests: z.array(z.string().max(50)).max(20).default([]),
  /** The device whose key is lost and whose place this key is to take: its runs, agents and history stay. */
  replacesDeviceId: z.string().max(100).optional(),
});
export type LinkMetadata = z.infer<typeof linkMetadata>;

/** What a device asks to be allowed, in the words its owner reads before approving. */
export const DEVICE_REQUESTS = {
  run_commands: 'run commands on that computer, as its user',
  change_files: 'read and change files in the folders its owner names',
  start_runs: 'start runs of agents that are bound to it, in this account',
} as const;

export const linkStartAnswer = z.object({
  code: z.string().min(1).max(20),
  /** Of the page where it is approved, which a device opens in a browser: nothing else than a page. */
  url: z.url({ protocol: /^https?$/ }),
  expiresAt: z.iso.datetime({ offset: true }),
});
export type LinkStartAnswer = z.infer<typeof linkStartAnswer>;

/** The poll is signed with the device's key, so that whoever sees the code gets nothing. */
export const linkPoll = z.object({ code: z.string().min(1).max(20), signature: z.string().max(200) });

export const nodeIdentity = z.object({
  deviceId: z.string(),
  orgId: z.string(),
  label: z.string(),
  meshOrigin: z.string(),
  meshEpoch: z.string(),
});

export const linkPollAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('pending'), retryAfterMs: z.int() }),
  z.object({
    status: z.literal('approved'),
    node: nodeIdentity,
    /** An API key of this device alone, scopes `agent:run` and `agent:read`; revoked with it. Shown once. */
    apiKey: z.string(),
  }),
  z.object({ status: z.literal('denied') }),
  z.object({ status: z.literal('expired') }),
]);
export type LinkPollAnswer = z.infer<typeof linkPollAnswer>;

export const linkApprove = z.object({ code: z.string().min(1).max(20), deny: z.boolean().optional() });

export const node = z.object({
  id: z.string(),
  orgId: z.string(),
  type: z.literal('mac'),
  label: z.string(),
  os: z.string(),
  hostname: z.string(),
  appVersion: z.string(),
  /** SHA-256 of the public key, as pairs of hexadecimal digits. */
  keyFingerprint: z.string(),
  status: z.enum(['online', 'offline', 'unreachable', 'revoked']),
  lastHeardAt: z.string().nullable(),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
  capabilities: z.record(z.string(), z.json()).nullable(),
});
export type Node = z.infer<typeof node>;

export const nodePatch = z.object({ label });
