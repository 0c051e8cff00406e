import { lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path/posix';
import { readIfThere } from '../../guard/files.ts';
import { refuseUnwritable, resolveInside } from '../../guard/inside.ts';
import type { Workspace } from '../../guard/workspaces.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { ChangedFile } from '../file-change.ts';
import { decodeText, MAX_TEXT_BYTES, notText } from '../text-file.ts';
import { applyHunks } from './apply-hunks.ts';
import type { FilePatch } from './parse-patch.ts';

/** A change worked out whole, with the permission bits the file keeps. */
export interface PlannedChange extends ChangedFile {
  mode?: number;
}

/** A file as the patch will find it. `text` is missing where it is not text. */
interface KnownFile {
  text: string | undefined;
  bytes: number;
  mode?: number;
}

/**
 * Works out every change of a patch without writing anything, each on what the ones before it leave. Throws
 * `patch_failed`, `not_text` and what opening a file inside the workspace throws.
 */
export async function planPatch(
  workspace: Workspace,
  patches: readonly FilePatch[],
): Promise<PlannedChange[]> {
  const view = new FileView(workspace);
  const changes: PlannedChange[] = [];
  for (const patch of patches) {
    if (patch.kind === 'add') changes.push(await planAdd(view, patch.path, patch.text));
    else if (patch.kind === 'delete') changes.push(await planDelete(view, patch.path));
    else changes.push(await planUpdate(view, patch));
  }
  return changes;
}

/** The workspace's files with the planned changes laid over them, by their real path. */
class FileView {
  readonly #workspace: Workspace;
  readonly #planned = new Map<string, KnownFile | undefined>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** The real path of a file that may be changed; of a link's own place, not its target's, where it is to go. */
  async pathOf(path: string, what: 'file' | 'entry' = 'file'): Promise<string> {
    if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)) {
      throw failed(`${path} is an absolute path; a patch names files relative to the workspace.`);
    }
    const place = await resolveInside(this.#workspace, what === 'file' ? path : dirname(path), 'parents');
    const real = what === 'file' ? place.path : join(place.path, basename(path));
    refuseUnwritable(this.#workspace, { real: join(this.#workspace.root, real), path: real });
    return real;
  }

  async read(path: string): Promise<KnownFile | undefined> {
    if (this.#planned.has(path)) return this.#planned.get(path);
    const file = await readIfThere(this.#workspace, path, MAX_TEXT_BYTES);
    return file && { text: decodeText(file.data), bytes: file.data.length, mode: file.mode };
  }

  /** A file that is to be deleted. Of a link the link is, so its target's text does not count. */
  async readEntry(path: string): Promise<KnownFile | undefined> {
    if (this.#planned.has(path)) return this.#planned.get(path);
    const stats = await lstat(join(this.#workspace.root, path)).catch(() => undefined);
    return stats?.isSymbolicLink() ? { text: undefined, bytes: 0 } : this.read(path);
  }

  async readText(path: string): Promise<KnownFile & { text: string }> {
    const file = await this.read(path);
    if (file === undefined) throw failed(`${path} cannot be updated, since it does not exist.`);
    if (file.text === undefined) throw notText(path, file.bytes);
    return { ...file, text: file.text };
  }

  plan(path: string, text: string | undefined): void {
    this.#planned.set(path, text === undefined ? undefined : { text, bytes: text.length });
  }
}

async function planAdd(view: FileView, named: string, text: string): Promise<PlannedChange> {
  const path = await view.pathOf(named);
  const there = await view.read(path);
  view.plan(path, text);
  return { kind: there === undefined ? 'add' : 'update', path, before: there?.text, after: text };
}

async function planDelete(view: FileView, named: string): Promise<PlannedChange> {
  const path = await view.pathOf(named, 'entry');
  const there = await view.readEntry(path);
  if (there === undefined) throw failed(`${path} cannot be deleted, since it does not exist.`);
  view.plan(path, undefined);
  return { kind: 'delete', path, before: there.text };
}

async function planUpdate(
  view: FileView,
  patch: Extract<FilePatch, { kind: 'update' }>,
): Promise<PlannedChange> {
  const path = await view.pathOf(patch.path);
  const { text: before, mode } = await view.readText(path);
  const after = patch.hunks.length === 0 ? before : applyHunks(before, patch.hunks, path);
  const movedTo = patch.movedTo === undefined ? path : await view.pathOf(patch.movedTo);
  if (movedTo === path) {
    view.plan(path, after);
    return { kind: 'update', path, before, after };
  }
  // A folder at the target is found now, not after half of the patch is written.
  await view.read(movedTo);
  view.plan(path, undefined);
  view.plan(movedTo, after);
  return { kind: 'move', path, movedTo, before, after, ...(mode !== undefined && { mode }) };
}

function failed(message: string): RunmeshError {
  return new RunmeshError('patch_failed', message);
}
