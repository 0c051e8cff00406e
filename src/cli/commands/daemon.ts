import type { RunningDaemon } from '../../daemon/daemon.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { cleanLine } from '../render/clean.ts';
import { untilStopped } from '../until-stopped.ts';

/**
 * The daemon until it ends. As a service it exits with 0 also when it could only fail again (not linked, revoked, older than
 * its journal): the system starts anew what failed, and nobody would gain by a revoked device that knocks every ten seconds.
 */
export async function daemonCommand(context: CliContext, output: Output): Promise<number> {
  const asService = context.env.RUNMESH_SERVICE !== undefined;
  const { startDaemon } = await import('../../daemon/daemon.ts');
  let daemon: RunningDaemon;
  try {
    daemon = await startDaemon(context, {
      onLocked: (sentence) => {
        output.tell({ type: 'daemon_locked', message: sentence });
        output.note(sentence);
      },
    });
  } catch (error) {
    if (!asService || !isRunmeshError(error) || !FINAL.has(error.code)) throw error;
    output.note(error.message);
    return 0;
  }
  output.say(`The daemon of device ${cleanLine(daemon.deviceId)} is up; connecting.`);
  daemon.ready.then(
    ({ sessionId }) => {
      output.tell({ type: 'daemon_ready', deviceId: daemon.deviceId, sessionId });
      output.say('Connected: runs for this device are executed here. Stop with Ctrl-C.');
    },
    () => {},
  );
  untilStopped(context)
    .then(() => daemon.stop())
    .catch(() => context.leave(1));
  const { reason, failed, final } = await daemon.finished;
  if (failed) {
    output.tell({ type: 'error', code: 'daemon_stopped', message: reason });
    output.note(`The daemon stopped: ${reason}.`);
  }
  return failed && !(final && asService) ? 1 : 0;
}

/** What no start mends; a link and an update start the service themselves. */
const FINAL: ReadonlySet<string> = new Set(['not_linked', 'database_newer']);
