import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RunmeshError } from '../../kit/errors.ts';

/** A command of this program as a process of its own, spoken to by `--json` lines. */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: Record<string, unknown>[] = [];
  readonly #exited: Promise<number | null>;
  #stderr = '';
  #tell: () => void = () => {};

  constructor(
    programFile: string,
    args: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.#process = spawn(process.execPath, [programFile, ...args, '--json'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C of the terminal is the demo's alone: it ends its processes in order.
      detached: true,
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
    const stdout = this.#process.stdout;
    if (stdout !== null) {
      createInterface({ input: stdout }).on('line', (line) => {
        if (line.startsWith('{')) this.#lines.push(JSON.parse(line));
        this.#tell();
      });
    }
    this.#exited = new Promise((resolve) => this.#process.on('close', resolve));
  }

  /** The first line of a type. Throws `demo_failed` when the process ends without it. */
  async line(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.#lines.find((line) => line.type === type);
      if (found !== undefined) return found;
      const more = new Promise<'more'>((resolve) => {
        this.#tell = () => resolve('more');
      });
      if ((await Promise.race([more, this.#exited])) === 'more') continue;
      const said = this.#lines.find((line) => line.type === 'error')?.message ?? this.#stderr.trim();
      throw new RunmeshError('demo_failed', `A part of the demo ended before it was ready: ${said}`);
    }
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Asks the process to end, and makes it after a while. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}

const STOP_MS = 5_000;
