import type { CliContext } from '../../src/cli/context.ts';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { RUNMESH } from '../support/processes.ts';
import { tempDir } from '../support/temp.ts';

/** The world as one command sees it: what it says is kept, and signals come when a test sends them. */
export class CliWorld {
  readonly home = tempDir();
  readonly context: CliContext;
  out = '';
  err = '';
  /** How often the command left at once, with which code. */
  readonly left: number[] = [];
  /** Programs of the desktop it started. */
  readonly launched: string[] = [];
  /** What a person types at a prompt that shows nothing. */
  typed = '';
  readonly #handlers = new Set<() => void>();
  readonly #unread = new AbortController();

  constructor(some: Partial<CliContext> = {}) {
    this.context = {
      env: { RUNMESH_HOME: this.home, RUNMESH_SECRETS: 'file' },
      platform: process.platform,
      homedir: this.home,
      hostname: 'test.local',
      version: '0.0.0',
      clock: systemClock,
      random: systemRandom,
      stdout: { write: (text) => (this.out += text) },
      stderr: { write: (text) => (this.err += text) },
      unread: this.#unread.signal,
      uid: process.getuid?.() ?? 0,
      nodeFile: process.execPath,
      programFile: RUNMESH,
      onSignal: (handler) => {
        this.#handlers.add(handler);
        return () => this.#handlers.delete(handler);
      },
      canAsk: false,
      askLine: async () => undefined,
      askSecret: async () => this.typed,
      launch: async (...launched) => this.launched.push(launched.flat().join(' ')) > 0,
      leave: (code) => void this.left.push(code),
      ...some,
    };
  }

  run(...args: string[]): Promise<number> {
    return runProgram(args, this.context);
  }

  /** What `--json` said, a line each. */
  get lines(): Record<string, unknown>[] {
    const texts = this.out.split('\n').filter((line) => line !== '');
    return texts.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get listening(): boolean {
    return this.#handlers.size > 0;
  }

  interrupt(): void {
    for (const handler of this.#handlers) handler();
  }

  stopReading(): void {
    this.#unread.abort();
  }
}

/** A terminal that keeps what is written to it. */
export function fakeTerminal(some: { isTTY?: boolean; columns?: number } = {}) {
  const terminal = {
    ...some,
    text: '',
    write: (text: string) => {
      terminal.text += text;
    },
  };
  return terminal;
}
