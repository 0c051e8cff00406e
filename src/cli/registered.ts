import { existsSync, readFileSync } from 'node:fs';
import type { DaemonVitals } from '../control/contract.ts';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import { serviceLog } from '../service/definition.ts';
import type { CliContext } from './context.ts';
import { pathsOf } from './device-world.ts';
import { cleanLine } from './render/clean.ts';
import { daemonVitals } from './service-world.ts';

/**
 * Waits until the daemon that was just started has registered with its mesh: only that shows that a service works.
 * Throws `service_not_registered` with the last that was heard of it.
 */
export async function waitUntilRegistered(context: CliContext, waitMs: number): Promise<DaemonVitals> {
  const { clock } = context;
  const deadline = clock.monotonic() + waitMs;
  for (;;) {
    const status = await statusOrNothing(context);
    if (status?.connection.sessionId != null) return status;
    if (clock.monotonic() >= deadline) throw notRegistered(context, waitMs, status);
    await clock.sleep(POLL_MS);
  }
}

/** A daemon that is going away may cut its answer short. */
async function statusOrNothing(context: CliContext): Promise<DaemonVitals | undefined> {
  try {
    return await daemonVitals(context);
  } catch (error) {
    if (['ECONNRESET', 'bad_answer'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function notRegistered(context: CliContext, waitMs: number, status: DaemonVitals | undefined): RunmeshError {
  const log = serviceLog(pathsOf(context));
  const lastLine = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').at(-1) : undefined;
  const heard =
    status === undefined
      ? `The daemon does not answer${lastLine ? `; its last words: "${cleanLine(lastLine).slice(0, 300)}"` : ''}`
      : `The daemon runs (pid ${status.pid}) and says: ${status.connection.doing}`;
  return new RunmeshError(
    'service_not_registered',
    `The service is set up, but its daemon has not registered with the mesh in ${Math.round(waitMs / 1_000)} s. ${heard}. \`runmesh doctor\` looks for the reason.`,
    { retryable: true },
  );
}

const POLL_MS = 200;
