/** A process that can be told from any later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** The system's own start stamp, opaque: compare for equality only. */
  startTime: string;
  /** Session id (`setsid`); a pty's child leads its own session. */
  sid: number;
}
