import { createTwoFilesPatch } from 'diff';
import { readIfThere, readInside } from '../guard/files.ts';
import type { Workspace } from '../guard/workspaces.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { ToolOutput } from './tool.ts';

type FileChange = NonNullable<ToolOutput['fileChanges']>[number];

/** A text file of the workspace. Throws `binary_file` for one that holds a NUL or is no UTF-8. */
export async function readText(workspace: Workspace, path: string): Promise<{ text: string; path: string }> {
  const file = await readInside(workspace, path, MAX_TEXT_BYTES);
  return { text: decode(file.data, file.path), path: file.path };
}

/** The text before a change: `undefined` where there is no file, and `null` where it is no text. */
export async function textBefore(workspace: Workspace, path: string): Promise<string | null | undefined> {
  const file = await readIfThere(workspace, path, MAX_TEXT_BYTES);
  if (file === undefined) return undefined;
  try {
    return decode(file.data, file.path);
  } catch {
    return null;
  }
}

/** The record of a change; `undefined` stands for no file, `null` for one that is no text. */
export function fileChange(
  path: string,
  before: string | null | undefined,
  after: string | undefined,
  movedTo?: string,
): FileChange {
  const kind =
    movedTo !== undefined ? 'move' : before === undefined ? 'add' : after === undefined ? 'delete' : 'update';
  const diff =
    before === null ? undefined : boundDiff(unifiedDiff(path, movedTo ?? path, before ?? '', after ?? ''));
  return { path, kind, ...(movedTo !== undefined && { movedTo }), ...(diff !== undefined && { diff }) };
}

function unifiedDiff(from: string, to: string, before: string, after: string): string {
  // A file of many thousand changed lines would take minutes to compare: then it is shown as replaced.
  const patch = createTwoFilesPatch(`a/${from}`, `b/${to}`, before, after, undefined, undefined, {
    timeout: DIFF_MS,
  });
  if (patch === undefined) return `--- a/${from}\n+++ b/${to}\n(too different to show)\n`;
  return patch.slice(patch.indexOf('---'));
}

function boundDiff(diff: string): string {
  if (diff.length <= MAX_DIFF_UNITS) return diff;
  const end = diff.lastIndexOf('\n', MAX_DIFF_UNITS);
  return `${diff.slice(0, end)}\n… ${diff.length - end} more characters of this diff were cut …\n`;
}

function decode(data: Buffer, path: string): string {
  try {
    if (!data.includes(0)) return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {}
  throw new RunmeshError('binary_file', `${path} is not a text file. Look at it with a command.`);
}

const MAX_TEXT_BYTES = 10 * 1_048_576;
const MAX_DIFF_UNITS = 65_536;
const DIFF_MS = 500;
