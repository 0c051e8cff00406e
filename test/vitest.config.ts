import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './support/longest-first.ts';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    environment: 'node',
    // Most tests wait for processes of their own: more at a time than there are cores, and vitest would take one fewer.
    maxWorkers: Math.max(4, availableParallelism()),
    // No module of this project keeps state, so a worker loads each once and not once a file: a tenth of the suite's time.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Only what hangs gets there: a machine may be several times slower than the one that a test was written on.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A process or a browser may take its time to start beside three others; who polls waits no longer than it takes.
    expect: { poll: { timeout: 10_000 } },
    reporters: ['default', './test/support/plain-summary.ts'],
  },
});
