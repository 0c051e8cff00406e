import { describe, expect, it, onTestFinished } from 'vitest';
import { systemRandom } from '../../src/kit/random.ts';
import { pendingOrders } from '../../src/mesh/store/orders.ts';
import { Store } from '../../src/mesh/store/store.ts';
import {
  dispatchableRuns,
  overdueRuns,
  runsHeldSince,
  unfinishedRuns,
} from '../../src/mesh/store/unfinished-runs.ts';
import { tempDir } from '../support/temp.ts';

/** A store that tells how it does what it is asked. */
function explained(plans: string[]): Store {
  const explain = (steps: { detail: string }[]) => plans.push(...steps.map(({ detail }) => detail));
  class Explained extends Store {
    override get<Row>(sql: string, ...values: (string | number | null)[]): Row | undefined {
      explain(super.all(`EXPLAIN QUERY PLAN ${sql}`, ...values));
      return super.get(sql, ...values);
    }

    override all<Row>(sql: string, ...values: (string | number | null)[]): Row[] {
      explain(super.all(`EXPLAIN QUERY PLAN ${sql}`, ...values));
      return super.all(sql, ...values);
    }
  }
  const store = new Explained({ dataDir: tempDir(), random: systemRandom });
  onTestFinished(() => store.close());
  plans.length = 0;
  return store;
}

describe('what the mesh asks of its runs each second', () => {
  it('looks through unfinished runs alone, and sorts none', () => {
    const plans: string[] = [];
    const store = explained(plans);
    dispatchableRuns(store, 'dev', 8);
    expect(plans).toEqual([
      'SEARCH runs USING COVERING INDEX runs_unfinished_by_status (device_id=? AND status=?)',
      'SEARCH runs USING INDEX runs_unfinished_by_status (device_id=? AND status=?)',
      'CORRELATED SCALAR SUBQUERY 1',
      'SEARCH earlier USING COVERING INDEX runs_unfinished_by_thread (thread_id=? AND seq<?)',
    ]);
    plans.length = 0;
    unfinishedRuns(store, 'dev');
    runsHeldSince(store, 'dev', 0);
    overdueRuns(store, 0);
    pendingOrders(store, 'dev');
    expect(plans.filter((step) => step.startsWith('SCAN'))).toEqual([]);
  });
});
