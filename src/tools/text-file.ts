import { readInside } from '../guard/files.ts';
import type { Workspace } from '../guard/workspaces.ts';
import { RunmeshError } from '../kit/errors.ts';

/** Files up to this size are read and edited as text, in bytes. */
export const MAX_TEXT_BYTES = 10 * 1_048_576;

export interface TextFile {
  text: string;
  /** Relative to the workspace. */
  path: string;
}

/** A file's text. Throws `not_text` besides what opening a file inside the workspace throws. */
export async function readTextFile(workspace: Workspace, path: string): Promise<TextFile> {
  const file = await readInside(workspace, path, MAX_TEXT_BYTES);
  return { text: textOf(file.data, file.path), path: file.path };
}

/** The text of a file's bytes, a byte order mark kept; `undefined` where they are not UTF-8 text. */
export function decodeText(data: Buffer): string | undefined {
  if (data.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

export function notText(path: string, bytes: number): RunmeshError {
  return new RunmeshError(
    'not_text',
    `${path} is not UTF-8 text (${bytes} bytes). Look at images with view_image and at other files with a command.`,
  );
}

function textOf(data: Buffer, path: string): string {
  const text = decodeText(data);
  if (text === undefined) throw notText(path, data.length);
  return text;
}
