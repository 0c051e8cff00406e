import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../kit/clock.ts';
import { logFiles } from './log-file.ts';

export interface ReadLogOptions {
  file: string;
  /** Older files that may be there. */
  kept: number;
  /** Goes on with what is written from then on, until `signal` aborts. */
  follow: boolean;
  /** Begins with the whole lines among so many last bytes of the newest file, in place of the oldest line there is. */
  lastBytes?: number;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * The lines of a log, the oldest file first; `undefined` between what was there and what comes. A file that is rotated
 * away is read to its end, and the one that took its name from its beginning: no line is lost and none told twice.
 */
export async function* readLog(options: ReadLogOptions): AsyncGenerator<string | undefined> {
  const { file, kept, follow, lastBytes, clock, signal } = options;
  if (lastBytes === undefined) {
    for (const older of logFiles(file, kept).slice(1).reverse()) yield* wholeFile(older);
  }
  let open = openLines(file, lastBytes);
  try {
    if (open !== undefined) yield* open.more();
    /** Of the newest file that was read. */
    let inode = open?.inode ?? inodeOf(`${file}.1`);
    yield undefined;
    while (follow && !signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      // Read before it is compared: what was written until it was rotated stands in the old file.
      const rotated = open === undefined || inodeOf(file) !== open.inode;
      if (open !== undefined) yield* open.more();
      if (!rotated) continue;
      do {
        open?.close();
        open = undefined;
        for (const older of writtenSince(file, kept, inode)) {
          inode = inodeOf(older);
          yield* wholeFile(older);
        }
        open = openLines(file);
      } while (writtenSince(file, kept, inode).length > 0);
      if (open === undefined) continue;
      inode = open.inode;
      yield* open.more();
    }
  } finally {
    open?.close();
  }
}

/** Files that came and were rotated away between two looks, the oldest first. */
function writtenSince(file: string, kept: number, inode: number | undefined): string[] {
  const older = logFiles(file, kept)
    .slice(1)
    .filter((name) => inodeOf(name) !== undefined);
  const age = inode === undefined ? -1 : older.findIndex((name) => inodeOf(name) === inode);
  return older.slice(0, age < 0 ? older.length : age).reverse();
}

function* wholeFile(file: string): Generator<string> {
  const open = openLines(file);
  if (open === undefined) return;
  try {
    yield* open.more();
  } finally {
    open.close();
  }
}

interface OpenLines {
  inode: number;
  /** The whole lines that came since. A line that is being written waits for its end. */
  more(): Generator<string>;
  close(): void;
}

function openLines(file: string, lastBytes = Number.POSITIVE_INFINITY): OpenLines | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  const buffer = Buffer.alloc(BUFFER_BYTES);
  const decoder = new StringDecoder('utf8');
  const { ino, size } = fstatSync(fd);
  let at = Math.max(0, size - lastBytes);
  /** Begun in the middle: what stands before the first line's end is no line. */
  let inMiddle = at > 0;
  let rest = '';
  const readOn = (): number => {
    const bytes = readSync(fd, buffer, 0, buffer.length, at);
    at += bytes;
    return bytes;
  };
  return {
    inode: ino,
    more: function* () {
      for (let bytes = readOn(); bytes > 0; bytes = readOn()) {
        const lines = (rest + decoder.write(buffer.subarray(0, bytes))).split('\n');
        rest = lines.pop() ?? '';
        if (inMiddle && lines.length > 0) {
          lines.shift();
          inMiddle = false;
        }
        yield* lines;
      }
    },
    close: () => closeSync(fd),
  };
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

const LOOK_MS = 250;
const BUFFER_BYTES = 65_536;
