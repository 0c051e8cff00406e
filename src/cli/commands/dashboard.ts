import { connectControl } from '../../control/client.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import { openBrowser } from '../open-browser.ts';
import type { Output } from '../output.ts';

export interface DashboardOptions {
  /** `--no-open` makes it false. */
  open: boolean;
}

/**
 * Has the daemon open its page, and a browser go there. The browser is given a file: an address among a process's arguments could be
 * read by other users of this machine, and this one opens the page.
 */
export async function dashboardCommand(
  context: CliContext,
  output: Output,
  { open }: DashboardOptions,
): Promise<number> {
  const { url, file, expiresAt } = await connectControl(pathsOf(context).socket).askPage();
  const opened = open && (await openBrowser(context, output, file));
  output.tell({ type: 'dashboard', url, expiresAt, opened });
  output.say(
    opened ? 'Your browser opens this device’s page. Where it does not, go to' : 'This device’s page is at',
  );
  output.say(output.paint('bold', url));
  output.say('The address opens it once, within a minute. Whoever has it can steer runs and answer for you.');
  const { port } = new URL(url);
  if (context.env.SSH_CONNECTION !== undefined) {
    output.say(`From another machine: ssh -L ${port}:127.0.0.1:${port} to this one, then the same address.`);
  }
  return 0;
}
