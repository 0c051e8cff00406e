import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { command } from '../support/command.mjs';
import { PRELOAD } from './program.mjs';

/**
 * Keeps one program of the copy alive as launchd would: when it dies, however it died, it is started again on the same
 * folders after `restartMs`. A life is one process; lives are counted, and each death is kept with what was meant by it.
 */
export class Keeper {
  life = 0;
  current;
  restartMs = 0;
  deaths = [];
  /** Lives that became ready: `{ life, readyMs, startedAt, ready }`, the last being the line that said so. */
  starts = [];
  lastChangeAt = performance.now();
  lastSignalAt = 0;
  #options;
  #held = true;
  #orders = {};
  #asked;
  #seen = 0;
  #alive;
  #readyWaiters = [];

  /**
   * `{ program, args, env(life), readyLine, onReady, onDeath }`; `ordersFile` and `doneFile` are how the preload is spoken
   * to. A dead program is started again when `onDeath` has returned.
   */
  constructor(options) {
    this.#options = options;
    writeFileSync(options.doneFile, '');
    this.#tell({});
  }

  get pid() {
    return this.current?.child.pid;
  }

  get up() {
    return this.starts.at(-1)?.life === this.life && this.current !== undefined;
  }

  start() {
    this.#held = false;
    if (this.current === undefined) this.#spawn();
  }

  /** No restart until `start`. */
  hold() {
    this.#held = true;
  }

  /** Resolves when the program is up. */
  async ready() {
    while (!this.up) await new Promise((resolve) => this.#readyWaiters.push(resolve));
  }

  async kill(why = 'killed') {
    const { current } = this;
    if (current === undefined) return;
    this.#asked = why;
    current.child.kill('SIGCONT');
    current.child.kill('SIGKILL');
    await this.#alive;
  }

  /** SIGTERM, and its end; answers `false` where it has not ended long after it should have, and kills it then. */
  async stop() {
    const { current } = this;
    if (current === undefined) return true;
    // A second SIGTERM would ask it to leave at once.
    if (this.#asked === undefined) current.child.kill('SIGTERM');
    this.#asked ??= 'stopped';
    const late = setTimeout(() => current.child.kill('SIGKILL'), MOST_STOP_MS);
    const began = performance.now();
    await this.#alive;
    clearTimeout(late);
    return performance.now() - began < MOST_STOP_MS;
  }

  signal(name) {
    this.lastChangeAt = performance.now();
    this.lastSignalAt = performance.now();
    this.current?.child.kill(name);
  }

  /** The process dies on its `nth` pass through `point`, in this life or a later one; undone when it has. */
  crashAt(point, nth) {
    this.#tell({ ...this.#orders, crash: { point, nth, id: `${point} ${performance.now()}` } });
  }

  disarm() {
    this.#tell({ ...this.#orders, crash: undefined });
  }

  shiftClock(shiftMs) {
    this.#tell({ ...this.#orders, shiftMs });
  }

  /** What preloads have done since this was last asked. */
  done() {
    const lines = readFileSync(this.#options.doneFile, 'utf8').split('\n').filter(Boolean);
    const news = lines.slice(this.#seen).map((line) => JSON.parse(line));
    this.#seen = lines.length;
    return news;
  }

  #tell(orders) {
    this.#orders = orders;
    const { ordersFile } = this.#options;
    writeFileSync(`${ordersFile}.new`, JSON.stringify(orders));
    renameSync(`${ordersFile}.new`, ordersFile);
  }

  #spawn() {
    const { program, args, env, readyLine, ordersFile, doneFile } = this.#options;
    this.life += 1;
    const { life } = this;
    const startedAt = performance.now();
    const lab = { LAB_ORDERS: ordersFile, LAB_DONE: doneFile, LAB_LIFE: String(life) };
    const current = command({
      program,
      args,
      env: { ...env(life), ...lab },
      nodeArgs: ['--import', PRELOAD],
    });
    this.current = current;
    this.lastChangeAt = startedAt;
    current.line(readyLine).then(
      (ready) => {
        const readyAt = performance.now();
        this.lastChangeAt = readyAt;
        const start = { life, readyMs: readyAt - startedAt, startedAt, ready };
        this.starts.push(start);
        this.#options.onReady?.(start);
        for (const resolve of this.#readyWaiters.splice(0)) resolve();
      },
      () => {},
    );
    this.#alive = current.exited.then((end) => this.#died({ life, startedAt }, current, end));
  }

  async #died({ life, startedAt }, current, { code, signal }) {
    const at = performance.now();
    this.lastChangeAt = at;
    const asked = this.#asked;
    this.#asked = undefined;
    this.current = undefined;
    if (this.#orders.crash !== undefined && signal === 'SIGKILL' && asked === undefined) this.disarm();
    const death = {
      life,
      startedAt,
      code,
      signal,
      at,
      asked,
      wasUp: this.starts.at(-1)?.life === life,
      said: current.stderr() || JSON.stringify(current.lines),
    };
    this.deaths.push(death);
    await this.#options.onDeath?.(death);
    this.#restart().catch(() => {});
  }

  async #restart() {
    await delay(this.restartMs);
    if (!this.#held && this.current === undefined) this.#spawn();
  }
}

/** A service manager gives it 45 s. */
const MOST_STOP_MS = 60_000;
