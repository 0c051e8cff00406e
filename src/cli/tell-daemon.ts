import { connectControl } from '../control/client.ts';
import { isRunmeshError } from '../kit/errors.ts';
import { INSTALLED_CONFIG } from '../service/definition.ts';
import type { Output } from './output.ts';

/** Has a running daemon read its config and keys again, and says what came of it. No daemon, nothing to say. */
export async function tellDaemon(socketPath: string, output: Output): Promise<void> {
  try {
    const { applied, restart } = await connectControl(socketPath).reload();
    const reinstall = INSTALLED_CONFIG.filter((key) => applied.includes(key));
    output.tell({ type: 'daemon_reloaded', applied, restart, reinstall });
    if (applied.length > 0) output.note('The running daemon goes by it from now on.');
    if (restart.length > 0) {
      output.note(`${restart.join(' and ')}: the daemon goes by it after its next start.`);
    }
    if (reinstall.length > 0) {
      output.note(
        `${reinstall.join(' and ')}: run \`runmesh service install\` too; until then the system ends an installed service by the time of before.`,
      );
    }
  } catch (error) {
    if (isRunmeshError(error, 'daemon_unreachable')) output.note(error.message);
    else if (!isRunmeshError(error, 'daemon_not_running')) throw error;
  }
}
