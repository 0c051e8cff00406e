/**
 * Close codes of the device socket. 4000–4499 come again by the link's backoff (some after a wait of their own),
 * 4500–4999 are final.
 */
export const CLOSE_CODES = {
  normal: { code: 1000, again: true, meaning: 'one end has nothing more to do' },
  restart: { code: 1012, again: true, meaning: 'the mesh restarts; come back spread out' },
  silent: { code: 4000, again: true, meaning: 'nothing was heard for two heartbeats and five seconds' },
  protocol: {
    code: 4001,
    again: true,
    meaning: 'a frame broke the protocol; the third in a row stops the device',
  },
  slow: { code: 4008, again: true, meaning: 'the other end does not read fast enough' },
  replaced: { code: 4009, again: true, meaning: 'a newer connection of the same device took over' },
  epoch: { code: 4010, again: true, meaning: 'the journal or the store was begun anew; shake hands again' },
  auth: { code: 4503, again: false, meaning: 'the signature, key or device id is not accepted' },
  revoked: { code: 4504, again: false, meaning: 'the owner revoked this device; forget the credential' },
  version: { code: 4505, again: false, meaning: 'no protocol version in common; update the agent' },
} as const satisfies Record<string, { code: number; again: boolean; meaning: string }>;

export type CloseReason = keyof typeof CLOSE_CODES;

/** The table's row of a close code; `undefined` for a code the table does not know. */
export function closeReasonOf(code: number): CloseReason | undefined {
  const entries = Object.entries(CLOSE_CODES) as [CloseReason, { code: number }][];
  return entries.find(([, row]) => row.code === code)?.[0];
}

/** Whether a device may come back after this close code. Unknown codes follow the ranges' rule. */
export function mayComeAgain(code: number): boolean {
  return code < 4500 || code > 4999;
}
