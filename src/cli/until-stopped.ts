import type { CliContext } from './context.ts';

/** Resolves at the first SIGINT or SIGTERM; a second one leaves at once. */
export function untilStopped(context: CliContext): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    context.onSignal(() => {
      if (asked) context.leave(1);
      asked = true;
      resolve();
    });
  });
}
