import { prepareFolders } from '../../device/paths.ts';
import { RunmeshError } from '../../kit/errors.ts';
import { createRunCommand } from '../../service/run-command.ts';
import type { VersionSource } from '../../service/versions/install-version.ts';
import { updateDevice } from '../../service/versions/update.ts';
import { programIn, readCurrent, versionPaths } from '../../service/versions/versions.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { waitUntilRegistered } from '../registered.ts';
import { assertOurs, daemonVitals, definitionOf, isByHand, serviceOf } from '../service-world.ts';

export interface UpdateCommandOptions {
  to?: string;
  from?: string;
  allowDowngrade?: boolean;
  wait: number;
}

export async function updateCommand(
  context: CliContext,
  output: Output,
  options: UpdateCommandOptions,
): Promise<number> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  const installed = await hasService(context);
  const { from, to, changed } = await updateDevice({
    paths,
    source: sourceOf(options),
    run: createRunCommand(context.env),
    clock: context.clock,
    nodeFile: context.nodeFile,
    nodeVersion: process.version,
    ownVersion: context.version,
    allowDowngrade: options.allowDowngrade ?? false,
    startService: installed ? (version) => startVersion(context, version, options.wait) : undefined,
    stopService: async () => void (await serviceOf(context).stop()),
    say: (step) => {
      output.tell({ type: 'update_step', step });
      output.say(step);
    },
  });
  output.tell({ type: 'updated', from, to, changed, service: installed });
  if (!changed) output.say(`${to} is installed already.`);
  else if (installed) output.say(`Updated from ${from} to ${to}; the daemon is registered.`);
  else output.say(`Updated from ${from} to ${to}. Next: runmesh service install, or runmesh daemon`);
  return 0;
}

function sourceOf({ to, from }: UpdateCommandOptions): VersionSource {
  if (to !== undefined && from !== undefined) {
    throw new RunmeshError('usage', 'Give --to (a version) or --from (a tarball), not both.');
  }
  return from === undefined ? { to: to ?? 'latest' } : { tarball: from };
}

/** Whether there is a service to start anew. A daemon that somebody runs by hand is theirs to stop. */
async function hasService(context: CliContext): Promise<boolean> {
  const service = serviceOf(context);
  assertOurs(context, service);
  const daemon = await daemonVitals(context);
  const state = service.installed() === undefined ? undefined : await service.status();
  if (daemon !== undefined && isByHand(daemon, state)) {
    throw new RunmeshError(
      'daemon_by_hand',
      `A daemon (pid ${daemon.pid}) runs by hand, and only you can start it anew. Stop it, update, and start it again.`,
      { details: { pid: daemon.pid } },
    );
  }
  return state !== undefined;
}

/** A new version installs its own service, since it knows best what that needs; the way back is this program's own work. */
async function startVersion(context: CliContext, version: string, waitSeconds: number): Promise<void> {
  const paths = pathsOf(context);
  const current = readCurrent(paths);
  if (current !== undefined && current.version === version && version !== context.version) {
    const program = programIn(versionPaths(paths).current);
    const args = [program, 'service', 'install', '--wait', String(waitSeconds), '--json'];
    const run = createRunCommand(context.env);
    const { exitCode, stdout, stderr } = await run(context.nodeFile, args, { timeoutMs: MOST_START_MS });
    if (exitCode !== 0)
      throw new Error(complaintIn(stdout) ?? stderr.trim().split('\n').at(-1) ?? `exit ${exitCode}`);
  } else {
    await serviceOf(context).install(await definitionOf(context));
  }
  const daemon = await waitUntilRegistered(context, waitSeconds * 1_000);
  if (daemon.version === version) return;
  throw new Error(`the daemon that registered is ${daemon.version}, not ${version}`);
}

function complaintIn(stdout: string): string | undefined {
  for (const line of stdout.trim().split('\n').reverse()) {
    try {
      const { type, message } = JSON.parse(line) as { type?: string; message?: string };
      if (type === 'error' && message !== undefined) return message;
    } catch {}
  }
  return undefined;
}

/** A drain of ten minutes, the longest there is, and the wait for the mesh. */
const MOST_START_MS = 900_000;
