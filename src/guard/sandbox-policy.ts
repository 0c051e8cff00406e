import { relative } from 'node:path';
import type { SandboxMode, SandboxNetwork, SandboxRequest } from '../protocol/sandbox.ts';
import { foldPath, isInside } from './paths.ts';
import { type Places, startUpPaths, storesOfSecrets } from './secret-stores.ts';

/** What a run may touch on this machine. Every path is absolute and has no symlink in it that there was to resolve. */
export interface SandboxPolicy {
  mode: SandboxMode;
  network: SandboxNetwork;
  /** False: commands run as the owner does, by `danger-full-access` or because the owner lets them where no sandbox is. */
  sandboxed: boolean;
  /** Folders whose content may be changed, `protected` and what git runs in them excepted. */
  writable: readonly string[];
  /** The run's own TMPDIR; writable in every mode. */
  temporary: string;
  /** Never readable, unless something deeper is in `readable`. */
  hidden: readonly string[];
  /** Opened though something above is hidden. */
  readable: readonly string[];
  /** Never writable, although in a writable folder: what would run as the owner later. */
  protected: readonly string[];
}

/** The owner's choice, as `sandbox` in the device's config has it. */
export interface SandboxChoice {
  mode: SandboxMode;
  network: SandboxNetwork;
  readable: readonly string[];
  writable: readonly string[];
}

export interface PolicyParts {
  choice: SandboxChoice;
  /** `metadata.sandbox` of the run. */
  asked: SandboxRequest | undefined;
  /** The workspace's root. */
  workspace: string;
  temporary: string;
  places: Places;
  /** False where the machine has no sandbox and the owner lets commands run without one. */
  sandboxed: boolean;
  /** Resolves the symlinks of a path as far as it exists. */
  real(path: string): string;
}

/**
 * The policy of a run, out of the device's config and the run's own wish to have less. Neither the workspace's content
 * nor the agent's definition has a say.
 */
export function sandboxPolicy(parts: PolicyParts): SandboxPolicy {
  const { choice, asked, workspace, temporary, places, real } = parts;
  const mode = narrowerMode(choice.mode, asked?.mode ?? choice.mode);
  const extra = choice.writable.map(real);
  return {
    mode,
    network: narrowerNetwork(choice.network, asked?.network ?? choice.network),
    sandboxed: parts.sandboxed && mode !== 'danger-full-access',
    writable: mode === 'read-only' ? [] : [workspace, ...extra],
    temporary,
    hidden: both(storesOfSecrets(places), real),
    readable: [...both(choice.readable, real), workspace, temporary, ...extra],
    protected: both(startUpPaths(places), real),
  };
}

/** Whether a real path is one that no run may read: the deepest rule about it decides. */
export function isHidden(policy: SandboxPolicy, path: string): boolean {
  if (policy.mode === 'danger-full-access') return false;
  return deepest(policy.hidden, path) > deepest(policy.readable, path);
}

/** What a policy hides in the workspace itself, relative to it. */
export function hiddenIn({ root, policy }: { root: string; policy: SandboxPolicy }): string[] {
  if (policy.mode === 'danger-full-access') return [];
  return policy.hidden.flatMap((path) =>
    path !== root && isInside(root, path) ? [relative(root, path)] : [],
  );
}

/** Whether a real path lies where the run may write, names that are never writable left aside. */
export function isWritable(policy: SandboxPolicy, path: string): boolean {
  if (policy.mode === 'danger-full-access') return true;
  if (isInside(policy.temporary, path)) return true;
  const folded = foldPath(path);
  return (
    policy.writable.some((root) => isInside(root, path)) &&
    !policy.protected.some((one) => isInside(foldPath(one), folded))
  );
}

function narrowerMode(a: SandboxMode, b: SandboxMode): SandboxMode {
  return MODES.indexOf(a) <= MODES.indexOf(b) ? a : b;
}

/** Of two lists, the entries of the second that the first covers. */
function narrowerNetwork(mine: SandboxNetwork, asked: SandboxNetwork): SandboxNetwork {
  if (mine === 'off' || asked === 'off') return 'off';
  if (mine === 'on') return asked;
  if (asked === 'on') return mine;
  const both = asked.filter((domain) => mine.some((pattern) => covers(pattern, domain)));
  return both.length === 0 ? 'off' : both;
}

function covers(pattern: string, domain: string): boolean {
  return pattern === domain || (pattern.startsWith('*.') && domain.endsWith(pattern.slice(1)));
}

/** How long the longest of these roots is that the path lies in; -1 where it lies in none. */
function deepest(roots: readonly string[], path: string): number {
  const folded = foldPath(path);
  const around = roots.map(foldPath).filter((root) => isInside(root, folded));
  return Math.max(-1, ...around.map((root) => root.length));
}

/** A path as it is named and as it is: the name may be a link today and none tomorrow. */
function both(paths: readonly string[], real: (path: string) => string): string[] {
  return [...new Set(paths.flatMap((path) => [path, real(path)]))];
}

/** From the narrowest to the widest. */
const MODES: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];
