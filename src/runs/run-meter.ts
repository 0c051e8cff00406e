import { addUsage, usageOf } from '../agent/usage.ts';
import { costOf } from '../guard/limits.ts';
import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { RunEvent } from '../protocol/events.ts';
import type { ModelPrice } from '../protocol/models-config.ts';
import type { RunLimits } from '../protocol/run-limits.ts';
import { NO_USAGE, type Usage } from '../protocol/usage.ts';

/** What a run has used that its events do not say; journaled with them. */
export interface Spent {
  activeMs: number;
  outputBytes: number;
  diskBytes: number;
}

/** What the commands of this process have used until now. */
export interface CommandUse {
  processes: number;
  outputBytes: number;
  diskBytes: number;
}

export interface MeterOptions {
  limits: RunLimits;
  price: ModelPrice | undefined;
  clock: Clock;
  /** What earlier processes journaled. */
  spent: Spent;
  measure(): CommandUse;
}

/** Counts what a run uses, and aborts it with the reason when it reaches a limit. */
export class RunMeter {
  readonly #options: MeterOptions;
  readonly #over = new AbortController();
  readonly #reached = new AbortController();
  #usage: Usage = NO_USAGE;
  #activeMs: number;
  #toolBytes = 0;
  #waiting = 0;

  /** Throws `limit_cost` where a cost is limited and the model has no price. */
  constructor(options: MeterOptions, model: string) {
    this.#options = options;
    this.#activeMs = options.spent.activeMs;
    if (options.limits.costUsd !== undefined && options.price === undefined) {
      const message = `The cost of a run is limited here, and ${model} has no price. Set models.prices, or limits.costUsd.`;
      throw new RunmeshError('limit_cost', message);
    }
  }

  /** Aborted with a `RunmeshError` that says which limit was reached. */
  get signal(): AbortSignal {
    return this.#reached.signal;
  }

  get spent(): Spent {
    const { outputBytes, diskBytes } = this.#options.measure();
    const { spent } = this.#options;
    return {
      activeMs: this.#activeMs,
      outputBytes: spent.outputBytes + outputBytes,
      diskBytes: spent.diskBytes + diskBytes + this.#toolBytes,
    };
  }

  /** Looks each second, until `stop`. A tick that comes late counts as one: a machine that slept has not worked. */
  async watch(): Promise<void> {
    const { clock } = this.#options;
    let last = clock.monotonic();
    while (!this.#over.signal.aborted) {
      await clock.sleep(LOOK_MS, this.#over.signal);
      const now = clock.monotonic();
      if (this.#waiting === 0) this.#activeMs += Math.min(now - last, 2 * LOOK_MS);
      last = now;
      this.#look();
    }
  }

  stop(): void {
    this.#over.abort();
  }

  /** Time in which the run waits for a person does not count. */
  async waiting<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1;
    try {
      return await work;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** A tool is about to write at most this much. */
  addToolBytes(bytes: number): void {
    this.#toolBytes += bytes;
    this.#look();
  }

  /** Events were committed. An answer that asks for nothing more may still be given: it is paid for. */
  addEvents(events: readonly RunEvent[]): void {
    this.#usage = addUsage(this.#usage, usageOf(events));
    if (events.some(({ type }) => type === 'tool_call' || type === 'run_steered')) this.#checkUsage();
  }

  #checkUsage(): void {
    const { limits, price } = this.#options;
    const { totalTokens } = this.#usage;
    if (reaches(totalTokens, limits.tokens)) {
      this.#end('limit_tokens', `The run used ${totalTokens} tokens, and ${limits.tokens} are allowed.`);
    }
    const cost = price === undefined ? 0 : costOf(this.#usage, price);
    if (reaches(cost, limits.costUsd)) {
      this.#end('limit_cost', `The run cost ${cost.toFixed(4)} dollars, and ${limits.costUsd} are allowed.`);
    }
  }

  #look(): void {
    const { limits } = this.#options;
    const { activeMs, outputBytes, diskBytes } = this.spent;
    const { processes } = this.#options.measure();
    if (reaches(activeMs, limits.wallMs)) {
      this.#end(
        'limit_wall_time',
        `The run was at work for ${limits.wallMs} ms, which is all it is allowed.`,
      );
    }
    if (limits.processes !== undefined && processes > limits.processes) {
      this.#end(
        'limit_processes',
        `The run had ${processes} processes, and ${limits.processes} are allowed.`,
      );
    }
    if (reaches(outputBytes, limits.outputBytes)) {
      this.#end(
        'limit_output',
        `The run's commands wrote ${outputBytes} bytes of output, and ${limits.outputBytes} are allowed.`,
      );
    }
    if (reaches(diskBytes, limits.diskBytes)) {
      this.#end(
        'limit_disk',
        `The run wrote ${diskBytes} bytes to disk, and ${limits.diskBytes} are allowed.`,
      );
    }
  }

  #end(code: string, sentence: string): void {
    const message = `${sentence} Allow more in this device's limits, or ask for less.`;
    if (!this.#reached.signal.aborted) this.#reached.abort(new RunmeshError(code, message));
  }
}

function reaches(value: number, limit: number | undefined): boolean {
  return limit !== undefined && value >= limit;
}

const LOOK_MS = 1_000;
