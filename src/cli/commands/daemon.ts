import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { untilStopped } from '../until-stopped.ts';

export async function daemonCommand(context: CliContext, output: Output): Promise<number> {
  const { startDaemon } = await import('../../daemon/daemon.ts');
  const daemon = await startDaemon(context);
  output.say(`The daemon of device ${daemon.deviceId} is up; connecting.`);
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
  const { reason, failed } = await daemon.finished;
  if (failed) {
    output.tell({ type: 'error', code: 'daemon_stopped', message: reason });
    output.note(`The daemon stopped: ${reason}.`);
  }
  return failed ? 1 : 0;
}
