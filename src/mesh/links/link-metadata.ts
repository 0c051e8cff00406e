import { type LinkMetadata, linkMetadata } from '../../protocol/nodes.ts';
import type { MeshCore } from '../context.ts';
import type { LinkRow } from '../store/link-codes.ts';
import { findNode, type NodeRow } from '../store/nodes.ts';

/** What a device said of itself beyond the contract's fields; nothing where that makes no sense. */
export function readMetadata(metadata: unknown): LinkMetadata {
  const read = linkMetadata.safeParse(metadata ?? {});
  return read.success ? read.data : linkMetadata.parse({});
}

/** The device whose place this one is to take, where it is the approver's to give and is not revoked. */
export function replacedNode({ store }: MeshCore, orgId: string, link: LinkRow): NodeRow | undefined {
  const { replacesDeviceId } = readMetadata(JSON.parse(link.metadata));
  const node = replacesDeviceId === undefined ? undefined : findNode(store, replacesDeviceId);
  const usable = node?.orgId === orgId && node.revokedAt === null && node.deletedAt === null;
  return usable ? node : undefined;
}
