import { createInterface } from 'node:readline';

/**
 * One line that a person types at `prompt`; `undefined` where the input ends or `signal` aborts first. What was typed before the
 * prompt stood there was not an answer to it, and is thrown away.
 */
export async function askLine(prompt: string, signal: AbortSignal): Promise<string | undefined> {
  const { stdin, stdout } = process;
  const early = () => {};
  stdin.on('data', early);
  await new Promise((resolve) => setTimeout(resolve, TYPED_BEFORE_MS));
  stdin.off('data', early);
  if (signal.aborted || stdin.readableEnded) return undefined;
  // Without `terminal`, Ctrl-C stays a signal to the program.
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    return await new Promise<string | undefined>((resolve) => {
      stdout.write(prompt);
      lines.once('line', resolve);
      lines.once('close', () => resolve(undefined));
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
  } finally {
    lines.close();
    stdin.pause();
  }
}

/** What waits in the terminal comes within a few milliseconds; nobody reads a question in this time. */
const TYPED_BEFORE_MS = 100;
