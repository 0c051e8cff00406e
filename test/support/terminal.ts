import { spawn } from 'node-pty';
import { expect, onTestFinished } from 'vitest';
import { RUNMESH } from './processes.ts';

/** A `runmesh` command, or another program, at a real terminal, and a person who types. */
export function atTerminal(args: string[], env: Record<string, string | undefined>, program = RUNMESH) {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const pty = spawn(process.execPath, [program, ...args], {
    cols: 120,
    rows: 40,
    env: { ...Object.fromEntries(given), TERM: 'dumb', NO_COLOR: '1' },
  });
  let shown = '';
  let seen = 0;
  pty.onData((text) => {
    shown += text;
  });
  const exited = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
  onTestFinished(async () => {
    pty.kill('SIGKILL');
    await exited;
  });
  return {
    exited,
    get shown() {
      return shown;
    },
    /** Waits until a text stands there that was not waited for yet. */
    sees: async (text: string, ms = 20_000): Promise<void> => {
      await expect.poll(() => shown.slice(seen), { timeout: ms }).toContain(text);
      seen = shown.indexOf(text, seen) + text.length;
    },
    types: (text: string) => pty.write(text),
    signals: (name: NodeJS.Signals) => pty.kill(name),
  };
}
