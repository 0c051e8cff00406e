import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

interface Job {
  pid: number | null;
  keeper: number;
  state: string;
}

/**
 * Service managers of a machine of the test's own: strict launchctl, systemctl, plutil, loginctl and pmset on its PATH, whose
 * jobs are real processes. `set` arranges the machine; `calls` is all that was asked of it, in order.
 */
export class ServiceManagers {
  readonly #dir: string;
  /** Folder of the programs, to be first on PATH. */
  readonly bin: string;

  constructor(dir: string) {
    this.#dir = join(dir, 'services');
    this.bin = join(this.#dir, 'bin');
    mkdirSync(this.bin, { recursive: true });
    for (const tool of ['launchctl', 'systemctl', 'plutil', 'loginctl', 'pmset']) this.#install(tool);
    onTestFinished(() => this.#end());
  }

  get env(): Record<string, string> {
    return { PATH: `${this.bin}:${process.env.PATH}`, FAKE_SERVICES: this.#dir };
  }

  /** `domains`, `disabled`, `bootstrapFaults`, `disableOnBootout`, `noUserManager`, `lingers`. */
  set(name: string, value: unknown): void {
    writeFileSync(join(this.#dir, `${name}.json`), JSON.stringify(value));
  }

  get(name: string): unknown {
    return JSON.parse(readFileSync(join(this.#dir, `${name}.json`), 'utf8'));
  }

  get calls(): string[] {
    const file = join(this.#dir, 'calls.log');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    return lines.map((line) => (JSON.parse(line) as string[]).join(' '));
  }

  /** How each process of a job ended, in order. */
  get exits(): string[] {
    const file = join(this.#dir, 'jobs', 'exits.log');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  get jobs(): Record<string, Job> {
    const folder = join(this.#dir, 'jobs');
    if (!existsSync(folder)) return {};
    const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'state.json')));
    return Object.fromEntries(
      names.map((name) => [name, JSON.parse(readFileSync(join(folder, name, 'state.json'), 'utf8')) as Job]),
    );
  }

  #install(tool: string): void {
    const script = fileURLToPath(new URL(`services/${tool}.mjs`, import.meta.url));
    const file = join(this.bin, tool);
    writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    chmodSync(file, 0o755);
  }

  /** Ends every keeper and what it keeps, by their numbers. */
  async #end(): Promise<void> {
    for (const { keeper, pid } of Object.values(this.jobs)) {
      endProcess(keeper);
      if (pid !== null) endProcess(pid);
    }
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}
