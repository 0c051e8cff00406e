import type { ApprovalOpens } from '../../protocol/approvals.ts';

/** What the owner allows without being asked again: commands that begin with these words; beyond the sandbox, only these. */
export interface AlwaysRule {
  prefix: readonly string[];
  opens: ApprovalOpens;
}

/**
 * What "always" would allow for a command of plain words: the program and its sub-command where it has some, else exactly this
 * command; beyond the sandbox always exactly this one. `null` where that would be no rule at all: shells, wrappers and interpreters
 * run whatever comes after them, a program named by a path may be another one tomorrow, and beyond the sandbox a builder runs
 * what the folder says, which the run itself can change.
 */
export function prefixFor(words: readonly string[], opens: ApprovalOpens): string[] | null {
  const [program, sub, third] = words;
  if (program === undefined || program.includes('/') || RUNS_ANYTHING.test(program)) return null;
  if (opens === 'outside_sandbox') return RUNS_THE_FOLDER.has(program) ? null : [...words];
  if (!RUNS_THE_FOLDER.has(program) && !HAS_SUBCOMMANDS.has(program)) return [...words];
  if (sub === undefined || !SUBCOMMAND.test(sub) || RUNS_ANYTHING.test(sub))
    return words.length === 1 ? [program] : null;
  if (!RUNS_SCRIPTS.has(sub)) return [program, sub];
  return third !== undefined && SUBCOMMAND.test(third) ? [program, sub, third] : null;
}

export function isAllowed(
  words: readonly string[] | undefined,
  opens: ApprovalOpens,
  rules: readonly AlwaysRule[],
): boolean {
  return words !== undefined && rules.some((rule) => rule.opens === opens && covers(rule, words));
}

/**
 * Beyond the sandbox one more word may be another file to write or another address to send to, so there a rule is for the very
 * command that was shown.
 */
export function covers({ prefix, opens }: AlwaysRule, words: readonly string[]): boolean {
  return beginsWith(words, prefix) && (opens === 'nothing' || words.length === prefix.length);
}

function beginsWith(words: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length > 0 && prefix.every((word, index) => words[index] === word);
}

const SUBCOMMAND = /^[a-z][a-z0-9:_-]*$/;
/** Whatever stands after these is run, or may be by one of their options. */
const RUNS_ANYTHING =
  /^(?:(?:ba|z|da|k|c|tc|fi|a)?sh|env|nice|nohup|timeout|gtimeout|xargs|busybox|toybox|sudo|doas|su|ssh|script|stdbuf|setsid|unbuffer|watch|parallel|ionice|chrt|taskset|flock|strace|ltrace|gdb|lldb|expect|tmux|screen|at|batch|crontab|launchctl|osascript|open|xdg-open|find|fd|awk|gawk|mawk|nawk|sed|perl|ruby|php|lua|tclsh|python[0-9.]*|pypy[0-9.]*|node|nodejs|deno|bun|bunx|npx|pnpx|uvx|pipx|tsx|ts-node|java|jshell|R|Rscript|swift|vi|vim|nvim|emacs|ed|ex|nano|less|more|man|rg|sort|split|tar|cpio|zip|rsync|scp|sftp|exec|dlx)$/;
/** These run code that the folder they work in names. */
const RUNS_THE_FOLDER: ReadonlySet<string> = new Set(
  'ant bazel bundle cargo cmake composer docker docker-compose dotnet git go gradle just make meson mix mvn ninja npm pip pip3 pnpm poetry pytest rake rustc sbt task tox uv xcodebuild yarn vitest jest tsc eslint'.split(
    ' ',
  ),
);
const HAS_SUBCOMMANDS: ReadonlySet<string> = new Set(
  'aws az brew gcloud gh helm kubectl terraform'.split(' '),
);
const RUNS_SCRIPTS: ReadonlySet<string> = new Set([
  'run',
  'run-script',
  'compose',
  'tool',
  'remote',
  'config',
]);
