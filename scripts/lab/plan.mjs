import { FAULTS, LOSE_JOURNAL, NEED_DISK } from './faults.mjs';
import { POINTS } from './points.mjs';
import { randomOf } from './seed.mjs';
import { planRun, planWork } from './work.mjs';

/**
 * What happens in a cycle; it follows from the seed and the cycle's number alone. The crash points take turns, so that
 * each has its share whatever chance does: 1.5 of the daemon's a cycle and 0.5 of the mesh's, and
 * where calls ask 0.75 of those about that. `only` names the one fault
 * or point to use; a sabotage has those under which it shows.
 */
export function planCycle({ seed, cycle, only, sabotage, witness, hasDisk, sandboxed }) {
  const random = randomOf(seed, cycle);
  const names = Object.keys(FAULTS).filter((name) => hasDisk || !NEED_DISK.includes(name));
  const points = POINTS.filter(({ name, when }) => {
    return (sandboxed || when !== 'ask') && (sabotage === undefined || sabotage.points.includes(name));
  });
  const chosen = choose(random, cycle, { names: sabotage?.faults ?? names, points, only });
  return {
    ...chosen,
    restartMs: { daemon: random.pick([0, 0, 0, 40, 300]), mesh: random.pick([0, 0, 40, 300]) },
    work: planWork(random, {
      cycle,
      witness,
      asks: sandboxed,
      aims: chosen.points.map(({ when }) => when),
    }),
    /** One more run, the cycle's `n`th. */
    extraWork: (kind, n) => {
      const how = { kind, run: `c${cycle}x${n}`, witness, asks: sandboxed, asksFirst: kind === 'asking' };
      return planRun(randomOf(seed, cycle, 'extra', n), how);
    },
    randomFor: (what) => randomOf(seed, cycle, what),
  };
}

function choose(random, cycle, { names, points, only }) {
  if (only !== undefined)
    return {
      faults: names.filter((name) => name === only),
      points: points.filter(({ name }) => name === only),
    };
  const faults = random.sample(names, random.between(0, 2));
  // Beside it nothing else could be told from what it does itself.
  if (faults.some((name) => LOSE_JOURNAL.includes(name))) return { faults: LOSE_JOURNAL, points: [] };
  const of = (role) => points.filter((point) => point.role === role && point.when !== 'ask');
  const asking = points.filter(({ when }) => when === 'ask');
  return {
    faults,
    points: [
      ...turns(of('daemon'), cycle, 1.5),
      ...turns(of('mesh'), cycle, 0.5),
      ...turns(asking, cycle, 0.75),
    ],
  };
}

function turns(own, cycle, aCycle) {
  const from = Math.floor(cycle * aCycle);
  const to = Math.floor((cycle + 1) * aCycle);
  return own.length === 0 ? [] : Array.from({ length: to - from }, (_, n) => own[(from + n) % own.length]);
}
