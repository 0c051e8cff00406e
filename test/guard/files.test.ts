import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deleteInside, listInside, readInside, writeInside } from '../../src/guard/files.ts';
import { openWorkspace } from '../../src/guard/workspaces.ts';
import { policyFor } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';

/** A workspace with a secret beside it. */
function place() {
  const dir = tempDir();
  const root = join(dir, 'work');
  mkdirSync(join(root, 'src'), { recursive: true });
  mkdirSync(join(dir, 'work-evil'));
  writeFileSync(join(dir, 'secret'), 'secret');
  writeFileSync(join(dir, 'work-evil', 'secret'), 'secret');
  writeFileSync(join(root, 'src', 'a.txt'), 'inside');
  return { dir, root, workspace: { ...openWorkspace({ default: root }), policy: policyFor(root) } };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('file tools stay inside their workspace', () => {
  it('reads, writes and deletes inside it, by relative and absolute paths', async () => {
    const { root, workspace } = place();
    expect((await readInside(workspace, 'src/../src/a.txt', 100)).data.toString()).toBe('inside');
    expect(await writeInside(workspace, join(root, 'new/deep/b.txt'), 'b')).toBe('new/deep/b.txt');
    expect(readFileSync(join(root, 'new/deep/b.txt'), 'utf8')).toBe('b');
    expect(await deleteInside(workspace, 'new/deep/b.txt')).toBe('new/deep/b.txt');
    expect((await listInside(workspace, '.')).entries.map((entry) => entry.name)).toEqual(['new', 'src']);
  });

  it.each([
    '../secret',
    '/etc/passwd',
    '../work-evil/secret',
    'src/../../secret',
    '/proc/self/root/etc/passwd',
    '/dev/fd/0',
  ])('refuses %s, to read, write and delete', async (path) => {
    const { dir, workspace } = place();
    await expect(readInside(workspace, path, 100)).rejects.toThrow(code('outside_workspace'));
    await expect(writeInside(workspace, path, 'x')).rejects.toThrow(code('outside_workspace'));
    await expect(deleteInside(workspace, path)).rejects.toThrow(code('outside_workspace'));
    expect(readFileSync(join(dir, 'secret'), 'utf8')).toBe('secret');
  });

  it('refuses links that lead out: a file, a folder, one whose target does not exist yet', async () => {
    const { dir, root, workspace } = place();
    symlinkSync(join(dir, 'secret'), join(root, 'file'));
    symlinkSync(dir, join(root, 'folder'));
    symlinkSync(join(dir, 'planted'), join(root, 'dangling'));
    for (const path of ['file', 'folder/secret', 'dangling', 'folder/new/x']) {
      await expect(writeInside(workspace, path, 'x')).rejects.toThrow(code('outside_workspace'));
    }
    for (const path of ['file', 'folder/secret']) {
      await expect(readInside(workspace, path, 100)).rejects.toThrow(code('outside_workspace'));
    }
    await expect(deleteInside(workspace, 'folder/secret')).rejects.toThrow(code('outside_workspace'));
    expect(readFileSync(join(dir, 'secret'), 'utf8')).toBe('secret');
    expect(existsSync(join(dir, 'planted'))).toBe(false);
  });

  it('follows a link that stays inside, and deletes a link as a link', async () => {
    const { root, workspace } = place();
    symlinkSync(join(root, 'src', 'a.txt'), join(root, 'alias'));
    expect((await readInside(workspace, 'alias', 100)).data.toString()).toBe('inside');
    await deleteInside(workspace, 'alias');
    expect(readFileSync(join(root, 'src', 'a.txt'), 'utf8')).toBe('inside');
  });

  it('reads files only: no folder, FIFO, device or endless thing', async () => {
    const { root, workspace } = place();
    execFileSync('mkfifo', [join(root, 'fifo')]);
    await expect(readInside(workspace, 'fifo', 100)).rejects.toThrow(code('not_a_file'));
    await expect(readInside(workspace, 'src', 100)).rejects.toThrow(/folder/);
    await expect(writeInside(workspace, 'fifo', 'x')).rejects.toThrow(code('not_a_file'));
    await expect(deleteInside(workspace, 'src')).rejects.toThrow(code('not_a_file'));
    writeFileSync(join(root, 'large'), 'x'.repeat(200));
    await expect(readInside(workspace, 'large', 100)).rejects.toThrow(code('file_too_large'));
  });

  it.each(['.git/hooks/pre-commit', '.GIT/hooks/x', 'sub/.git/config', '.git/modules/m/hooks/x'])(
    'does not change %s, which git would run',
    async (path) => {
      const { root, workspace } = place();
      await expect(writeInside(workspace, path, 'x')).rejects.toThrow(code('protected_path'));
      expect(existsSync(join(root, path))).toBe(false);
    },
  );

  it('refuses names that no file can have, with a sentence', async () => {
    const { workspace } = place();
    await expect(readInside(workspace, 'a\0b', 100)).rejects.toThrow(/NUL/);
    await expect(readInside(workspace, 'x'.repeat(5_000), 100)).rejects.toThrow(/too long/);
    await expect(readInside(workspace, 'x'.repeat(300), 100)).rejects.toThrow(/too long/);
    await expect(readInside(workspace, 'src/none', 100)).rejects.toThrow(code('not_found'));
  });

  it('replaces a file whole and keeps its mode, leaving nothing behind', async () => {
    const { root, workspace } = place();
    const file = join(root, 'run.sh');
    writeFileSync(file, 'old');
    chmodSync(file, 0o755);
    await writeInside(workspace, 'run.sh', 'new');
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(statSync(file).mode & 0o777).toBe(0o755);
    expect(readdirSync(root).sort()).toEqual(['run.sh', 'src']);
  });

  it('never touches the outside while a folder is swapped for a link under its hands', async () => {
    const { dir, root, workspace } = place();
    const [folder, away, outside] = [join(root, 'swap'), join(root, 'away'), join(dir, 'outside')];
    mkdirSync(folder);
    mkdirSync(outside);
    writeFileSync(join(outside, 'f'), 'outside');
    let swapping = true;
    const swap = (work: () => void): Promise<void> => {
      try {
        work();
      } catch {
        // The folder was made anew in between: that is inside, and is taken away again.
        rmSync(folder, { recursive: true, force: true });
      }
      return new Promise((resolve) => setImmediate(resolve));
    };
    const swapper = (async () => {
      while (swapping) {
        await swap(() => {
          if (existsSync(folder) && !existsSync(away)) renameSync(folder, away);
          symlinkSync(outside, folder);
        });
        await swap(() => {
          rmSync(folder, { recursive: true, force: true });
          if (existsSync(away)) renameSync(away, folder);
        });
      }
    })();
    const read: string[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      await writeInside(workspace, 'swap/f', 'inside').catch(() => {});
      const file = await readInside(workspace, 'swap/f', 100).catch(() => undefined);
      if (file !== undefined) read.push(file.data.toString());
    }
    swapping = false;
    await swapper;
    expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('outside');
    expect(readdirSync(outside)).toEqual(['f']);
    expect(new Set(read)).not.toContain('outside');
  }, 60_000);
});

describe('workspaces', () => {
  it('are known by name, and missing ones say what there is', () => {
    const { root } = place();
    expect(openWorkspace({ default: root })).toEqual({ name: 'default', root });
    expect(() => openWorkspace({ default: root }, 'other')).toThrow(
      /There is no workspace named "other".*default/,
    );
    expect(() => openWorkspace({ default: `${root}/gone` })).toThrow(code('workspace_missing'));
    expect(() => openWorkspace({ default: root }, 'constructor')).toThrow(code('workspace_unknown'));
    expect(() => openWorkspace({ default: root }, 7)).toThrow(code('workspace_unknown'));
    expect(openWorkspace({ default: root }, null)).toEqual({ name: 'default', root });
  });
});
