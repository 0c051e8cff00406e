import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Starts the files that wait longest for processes of their own before all others, so that none of them is what the suite ends
 * with. vitest knows how long a file takes only where it ran before.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a.moduleId) - rankOf(b.moduleId));
  }
}

function rankOf(file: string): number {
  const rank = LONG.findIndex((part) => file.includes(part));
  return rank < 0 ? LONG.length : rank;
}

const LONG = ['/scripts/lab.', '/service/', '/e2e/', '/doctor/', '/attacks/', '/leash/'];
