import type { DeltaKind } from '../protocol/events.ts';
import { DELTA_EVENT, type LiveDelta } from '../protocol/events.ts';

export interface RunWatcher {
  committed(): void;
  delta(delta: LiveDelta): void;
}

/** Who on this machine watches a run live. */
export class RunWatchers {
  readonly #byRun = new Map<string, Set<RunWatcher>>();

  /** The answer ends the watch. */
  watch(runId: string, watcher: RunWatcher): () => void {
    const watchers = this.#byRun.get(runId) ?? new Set();
    this.#byRun.set(runId, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#byRun.delete(runId);
    };
  }

  committed(runId: string): void {
    for (const watcher of this.#byRun.get(runId) ?? []) watcher.committed();
  }

  delta(
    runId: string,
    { kind, ...delta }: { messageId: string; kind: DeltaKind; offset: number; text: string },
  ): void {
    for (const watcher of this.#byRun.get(runId) ?? [])
      watcher.delta({ type: DELTA_EVENT[kind], runId, ...delta });
  }
}
