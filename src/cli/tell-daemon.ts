import { connectControl } from '../control/client.ts';
import { isRunmeshError } from '../kit/errors.ts';
import type { Output } from './output.ts';

/** Has a running daemon read its config and keys again, and says what came of it. No daemon, nothing to say. */
export async function tellDaemon(socketPath: string, output: Output): Promise<void> {
  try {
    const { applied, restart } = await connectControl(socketPath).reload();
    output.tell({ type: 'daemon_reloaded', applied, restart });
    if (applied.length > 0) output.note('The running daemon goes by it from now on.');
    if (restart.length > 0) {
      output.note(`${restart.join(' and ')}: the daemon goes by it after its next start.`);
    }
  } catch (error) {
    if (isRunmeshError(error, 'daemon_unreachable')) output.note(error.message);
    else if (!isRunmeshError(error, 'daemon_not_running')) throw error;
  }
}
