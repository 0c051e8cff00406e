import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The compiled program, as a user runs it. `npm test` builds it first. */
export const RUNMESH = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A line of `--json` output. */
export type Line = { type?: string } & Record<string, unknown>;

/** A `runmesh` command of its own process; ended, by its pid, when the test is. */
export class Command {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stderr = '';
  #listeners = new Set<() => void>();
  #ended = false;

  constructor(args: string[], env: Record<string, string | undefined>, cwd?: string) {
    if (!existsSync(RUNMESH)) throw new Error('dist/ is missing: run `npm run build` first');
    this.child = spawn(process.execPath, [RUNMESH, ...args], {
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    const read = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    read.on('line', (line) => {
      this.lines.push(line.startsWith('{') ? (JSON.parse(line) as Line) : { type: 'text', text: line });
      this.#tell();
    });
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.#ended = true;
        this.#tell();
        resolve({ code, signal });
      });
    });
    onTestFinished(() => this.kill());
  }

  /** The first line so far, or yet to come, that fits. Fails when the process ends or `ms` pass without it. */
  async line(fits: string | ((line: Line) => boolean), ms = 15_000): Promise<Line> {
    const test = typeof fits === 'string' ? (line: Line) => line.type === fits : fits;
    const deadline = Date.now() + ms;
    for (;;) {
      const found = this.lines.find(test);
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (this.#ended || left <= 0) {
        throw new Error(
          `${this.#ended ? 'ended' : 'said nothing'} without the line ${fits}.\n${this.#report()}`,
        );
      }
      await this.#change(left);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    if (!this.#ended) this.child.kill('SIGKILL');
    await this.exited;
  }

  #report(): string {
    return `stdout: ${JSON.stringify(this.lines.slice(-10))}\nstderr: ${this.stderr.slice(-4_000)}`;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#listeners.add(done);
    });
  }
}
