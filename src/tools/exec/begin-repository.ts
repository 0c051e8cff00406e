import { simpleWords } from '../../guard/approvals/simple-command.ts';
import { makeRepository } from '../../guard/make-repository.ts';
import type { Workspace } from '../../guard/workspaces.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import { quoteWord } from '../../leash/sandbox-words.ts';

/**
 * A command that begins with a plain `git init`, with the repository made for it and that part replaced by what git would have said:
 * in the sandbox nobody makes a git folder, since its config says what git runs later. Every other command stays as it is. Done
 * again after a power cut it finds what it made. Where the sandbox may write outside the workspace, git itself makes it or is refused.
 */
export async function beginRepository(
  command: string,
  workspace: Workspace,
  workdir: string,
): Promise<Begun> {
  const asked = workspace.policy.sandboxed ? leadingInit(command) : undefined;
  if (asked === undefined) return { command, repository: false };
  const folder = asked.folder.startsWith('/') ? asked.folder : `${workdir}/${asked.folder}`;
  const repository = await makeRepository(workspace, folder, asked.branch).catch((error: unknown) => {
    if (isRunmeshError(error, 'outside_workspace')) return undefined;
    throw error;
  });
  if (repository === undefined) return { command, repository: false };
  const said = `${repository.made ? 'Initialized empty' : 'Reinitialized existing'} Git repository in ${repository.path}/`;
  const begin = asked.quiet ? ':' : `printf '%s\\n' ${quoteWord(said)}`;
  return { command: begin + asked.rest, repository: true };
}

export interface Begun {
  /** What is left to run. */
  command: string;
  /** Whether there is a repository that was made just now or a moment ago. */
  repository: boolean;
}

/** Why a repository could not be made, and how one can; '' for a command that did not try. */
export function aboutRepositories(command: string, { sandboxed }: { sandboxed: boolean }): string {
  if (!sandboxed || !makesOne(command)) return '';
  return '\n\n(In the sandbox no command makes a git repository, nor changes one’s config or hooks: git would run what stands there. `git init` works as the first command of a line, in the workspace or with a folder in it: `git init -b main && git add .`. For `git clone` or another config, ask with with_escalated_permissions.)';
}

/** Each part is read once: a command may be long, and of nothing but the word. */
function makesOne(command: string): boolean {
  return command.split(/[\n;&|]/).some((part) => {
    const at = part.search(/\bgit\b/);
    return at !== -1 && MAKES_ONE.test(part.slice(at));
  });
}

interface Init {
  folder: string;
  branch: string;
  quiet: boolean;
  /** The command after it, with the sign between them. */
  rest: string;
}

function leadingInit(command: string): Init | undefined {
  const first = /^[^;&|\n]*/.exec(command)?.[0] ?? '';
  const rest = command.slice(first.length);
  // After `&&`, `;` and a line's end comes another command; a pipe or a `&` would make it something else.
  if (rest !== '' && !/^(?:&&|;(?!;)|\n)/.test(rest)) return undefined;
  const words = simpleWords(first);
  if (words?.[0] !== 'git' || words[1] !== 'init') return undefined;
  const init: Init = { folder: '', branch: 'main', quiet: false, rest };
  const args = words.slice(2);
  for (let word = args.shift(); word !== undefined; word = args.shift()) {
    const named = /^--initial-branch=(.*)$/.exec(word)?.[1];
    if (word === '-q' || word === '--quiet') init.quiet = true;
    else if (word === '-b' || word === '--initial-branch') init.branch = args.shift() ?? '';
    else if (named !== undefined) init.branch = named;
    else if (word.startsWith('-') || init.folder !== '') return undefined;
    else init.folder = word;
  }
  if (!BRANCH.test(init.branch) || init.branch.endsWith('.lock')) return undefined;
  return { ...init, folder: init.folder === '' ? '.' : init.folder };
}

const MAKES_ONE = /\s(?:init|clone|config|remote|submodule|worktree)\b/;
/** Plainer than what git takes: no dots in a row, none at an end of a part. */
const BRANCH = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:\/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)*$/;
