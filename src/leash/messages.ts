import type { SessionExit, SessionRequest } from './leash.ts';
import type { ProcessIdentity } from './process-table.ts';

/** What goes over the channel between the daemon and its leash; both ends are of one version and one package. */
export type ToLeash =
  | { type: 'open'; id: number; request: SessionRequest }
  | { type: 'release'; id: number }
  | { type: 'write'; id: number; text: string }
  /** So many UTF-16 units of output were taken. */
  | { type: 'taken'; id: number; units: number }
  | { type: 'end'; id: number }
  | { type: 'close' };

export type FromLeash =
  /** `folder` is the helper's own. */
  | { type: 'ready'; folder: string }
  | { type: 'opened'; id: number; process: ProcessIdentity }
  | { type: 'refused'; id: number; message: string }
  | { type: 'output'; id: number; text: string; cut: number }
  | { type: 'exited'; id: number; exit: SessionExit }
  /** Nothing of the command is left. */
  | { type: 'ended'; id: number };
