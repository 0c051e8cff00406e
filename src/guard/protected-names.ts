import { foldPath } from './paths.ts';
import { SHELL_START_UP } from './secret-stores.ts';

/**
 * Names that a run never changes in a folder it may write, at any depth: git, an editor, a shell or a tool runs what
 * stands there, as the owner and outside every sandbox. `path` is relative to the folder, with `/`.
 */
export function isProtectedName(path: string): boolean {
  return PROTECTED.test(`/${foldPath(path)}/`);
}

/** The same names below a folder as the patterns of a sandbox that knows some (Seatbelt). */
export function protectedPatterns(root: string): string[] {
  const names = [
    ...PROTECTED_FILES,
    ...PROTECTED_FOLDERS,
    ...PROTECTED_IN_GIT.map((name) => `.git/${name}`),
    ...PROTECTED_IN_GIT.flatMap((name) => [`.git/modules/**/${name}`, `.git/worktrees/**/${name}`]),
  ];
  return names.flatMap((name) => [`${root}/${name}`, `${root}/**/${name}`]);
}

/** Folders of that kind in a folder, for who protects them before they exist: editors and agents start what stands there. */
export const PROTECTED_FOLDERS = [
  '.vscode',
  '.idea',
  '.zed',
  '.claude',
  '.codex',
  '.cursor',
  '.gemini',
  '.windsurf',
];

/** Files of that kind. */
export const PROTECTED_FILES = [
  ...SHELL_START_UP.filter((name) => !name.includes('/')),
  '.gitmodules',
  '.mcp.json',
  '.envrc',
  '.ripgreprc',
];

/** In a git folder. `commondir` sends git to another folder for its config and hooks. */
export const PROTECTED_IN_GIT = ['hooks', 'config', 'config.worktree', 'commondir'];

const words = (names: readonly string[]) => names.map((name) => name.replaceAll('.', '\\.')).join('|');

/**
 * `.git` itself is not a name to write (a file there points git at another folder), while what git keeps below it is;
 * submodules and worktrees have git folders in the git folder.
 */
const PROTECTED = new RegExp(
  [
    `/(${words([...PROTECTED_FILES, ...PROTECTED_FOLDERS])})/`,
    '/\\.git/$',
    `/\\.git/((modules|worktrees)/(.*/)?)?(${words(PROTECTED_IN_GIT)})/`,
  ].join('|'),
);
