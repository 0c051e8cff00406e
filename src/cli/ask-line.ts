import { createInterface } from 'node:readline';

/**
 * One line that a person types at `prompt`; `undefined` where the input ends or `signal` aborts first. Lines typed before the
 * prompt stood there were not an answer to it, and are thrown away. An input that still flowed would keep the process up, so it
 * is paused whatever comes.
 */
export async function askLine(prompt: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    await throwAwayTyped();
    if (signal.aborted || process.stdin.readableEnded) return undefined;
    return await readAnswer(prompt, signal);
  } finally {
    process.stdin.pause();
  }
}

async function throwAwayTyped(): Promise<void> {
  const { stdin } = process;
  const early = () => {};
  stdin.on('data', early);
  // A listener alone starts no input that an earlier question has paused.
  stdin.resume();
  await new Promise((resolve) => setTimeout(resolve, TYPED_BEFORE_MS));
  stdin.off('data', early);
}

async function readAnswer(prompt: string, signal: AbortSignal): Promise<string | undefined> {
  // Without `terminal`, Ctrl-C stays a signal to the program.
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    return await new Promise<string | undefined>((resolve) => {
      process.stdout.write(prompt);
      lines.once('line', resolve);
      lines.once('close', () => resolve(undefined));
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
  } finally {
    lines.close();
  }
}

/** What waits in the terminal comes within a few milliseconds; nobody reads a question in this time. */
const TYPED_BEFORE_MS = 100;
