import { isRunmeshError } from '../kit/errors.ts';
import type { CliContext } from './context.ts';
import { pathsOf } from './device-world.ts';
import type { Output } from './output.ts';
import { waitUntilRegistered } from './registered.ts';
import { daemonVitals, isByHand, serviceOf } from './service-world.ts';

/**
 * Has the service of this device go by the link that was just made: a daemon holds the key that it read at its start, and one
 * whose device was revoked has ended for good. What goes wrong is said, and the link stands.
 */
export async function startAnew(context: CliContext, output: Output): Promise<void> {
  try {
    const service = serviceOf(context);
    const isOurs = service.installed()?.folder === pathsOf(context).home;
    const daemon = await daemonVitals(context);
    if (daemon !== undefined && (!isOurs || isByHand(daemon, await service.status()))) {
      output.tell({ type: 'restart_needed', pid: daemon.pid });
      output.note(`A daemon (pid ${daemon.pid}) runs by the link of before. Stop it, and start it anew.`);
      return;
    }
    if (!isOurs) return;
    output.say('The service is started anew, to go by this link …');
    for (const note of await service.restart()) output.say(note);
    const { pid } = await waitUntilRegistered(context, REGISTERED_MS);
    output.tell({ type: 'service', verb: 'restart', pid, registered: true });
    output.say('It is registered with the mesh.');
  } catch (error) {
    if (!isRunmeshError(error)) throw error;
    output.note(error.message);
  }
}

const REGISTERED_MS = 60_000;
