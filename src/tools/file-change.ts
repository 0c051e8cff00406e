import type { ToolOutput } from './tool.ts';

export type FileChange = NonNullable<ToolOutput['fileChanges']>[number];

export interface ChangedFile {
  kind: FileChange['kind'];
  /** Relative to the workspace. */
  path: string;
  movedTo?: string;
  /** Left out where there was no file, or where it is not text. */
  before?: string | undefined;
  after?: string | undefined;
}

/**
 * What a changed file is reported as. There is no diff for a file that is not text, nor for two texts so far apart
 * that comparing them takes longer than `COMPARE_MS`: the comparison would hold up every run of the process. The library
 * is loaded with the first change.
 */
export async function fileChange({ kind, path, movedTo, before, after }: ChangedFile): Promise<FileChange> {
  const diff =
    before === undefined && after === undefined ? undefined : await unifiedDiff(path, movedTo, before, after);
  return {
    kind,
    path,
    ...(movedTo !== undefined && { movedTo }),
    ...(diff !== undefined && { diff }),
  };
}

async function unifiedDiff(
  path: string,
  movedTo: string | undefined,
  before: string | undefined,
  after: string | undefined,
): Promise<string | undefined> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff');
  const diff = createTwoFilesPatch(
    before === undefined ? '/dev/null' : `a/${path}`,
    after === undefined ? '/dev/null' : `b/${movedTo ?? path}`,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    { context: 3, timeout: COMPARE_MS, headerOptions: FILE_HEADERS_ONLY },
  );
  return diff === undefined ? undefined : cutDiff(diff);
}

/** Cuts at a line's end, in bytes as they travel. */
function cutDiff(diff: string): string {
  const bytes = Buffer.from(diff);
  if (bytes.length <= MAX_DIFF_BYTES) return diff;
  const room = MAX_DIFF_BYTES - NOTE_BYTES;
  const end = bytes.lastIndexOf('\n', room) + 1;
  // A single line may be longer than the room: cut inside it, and drop the broken character that leaves.
  const kept = bytes
    .subarray(0, end > 0 ? end : room)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
  return `${kept}[The diff is cut here: ${bytes.length - Buffer.byteLength(kept)} of its ${bytes.length} bytes are left out.]\n`;
}

const MAX_DIFF_BYTES = 65_536;
const NOTE_BYTES = 200;
const COMPARE_MS = 250;
