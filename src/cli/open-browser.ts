import type { CliContext } from './context.ts';
import type { Output } from './output.ts';

/**
 * Shows an address, or a file that leads to one, in the person's browser, where one sits before this machine: not for a program,
 * not over SSH, not without a display. Answers whether a browser was asked.
 */
export async function openBrowser(context: CliContext, output: Output, what: string): Promise<boolean> {
  const { env, platform } = context;
  const remote = env.SSH_CONNECTION !== undefined || env.SSH_TTY !== undefined;
  const display = platform === 'darwin' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
  if (output.json || output.screen.isTTY !== true || remote || !display) return false;
  return context.launch(platform === 'darwin' ? 'open' : 'xdg-open', [what]);
}
