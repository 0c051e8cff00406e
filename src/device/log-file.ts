import { renameSync, statSync } from 'node:fs';
import { type DestinationStream, pino } from 'pino';

export interface LogFileOptions {
  file: string;
  /** A file that reached this size becomes `file.1`, that one `file.2` … */
  maxBytes: number;
  /** Older files that stay; the next one falls away. */
  kept: number;
}

/**
 * Where the daemon's log goes. It is rotated here because launchd never does and keeps its file open. A disk that is
 * full costs lines of the log and not the daemon.
 */
export function openLogFile({ file, maxBytes, kept }: LogFileOptions): DestinationStream {
  const sink = pino.destination({ dest: file, sync: false, mkdir: true, mode: 0o600 });
  sink.on('error', () => {});
  let bytes = sizeOf(file);
  return {
    write: (line) => {
      if (bytes >= maxBytes && rotate(file, kept)) {
        sink.reopen();
        bytes = 0;
      }
      bytes += Buffer.byteLength(line);
      sink.write(line);
    },
  };
}

/** The log's files, the newest first. */
export function logFiles(file: string, kept: number): string[] {
  return Array.from({ length: kept + 1 }, (_, age) => (age === 0 ? file : `${file}.${age}`));
}

/** Whether the file's name is free now. */
function rotate(file: string, kept: number): boolean {
  const names = logFiles(file, Math.max(1, kept));
  try {
    for (let age = names.length - 1; age > 0; age -= 1) {
      const [younger, older] = [names[age - 1] ?? '', names[age] ?? ''];
      if (statSync(younger, { throwIfNoEntry: false }) !== undefined) renameSync(younger, older);
    }
    return true;
  } catch {
    return false;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
