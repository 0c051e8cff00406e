import { FAULTS, NEED_DISK } from './faults.mjs';
import { POINTS } from './points.mjs';
import { randomOf } from './seed.mjs';
import { planWork } from './work.mjs';

/**
 * What happens in a cycle; it follows from the seed and the cycle's number alone. The crash points take turns, so that
 * each has its share whatever chance does: 1.5 of the daemon's a cycle and 0.5 of the mesh's. `only` names the one fault
 * or point to use; `faults` those to choose from.
 */
export function planCycle({ seed, cycle, only, faults, witness, hasDisk }) {
  const random = randomOf(seed, cycle);
  const usable = (faults ?? Object.keys(FAULTS)).filter((name) => hasDisk || !NEED_DISK.includes(name));
  const names =
    only === undefined ? random.sample(usable, random.between(0, 2)) : usable.filter((name) => name === only);
  const points =
    only === undefined
      ? [...turns('daemon', cycle, 1.5), ...turns('mesh', cycle, 0.5)]
      : POINTS.filter(({ name }) => name === only);
  return {
    faults: names,
    points,
    restartMs: { daemon: random.pick([0, 0, 0, 40, 300]), mesh: random.pick([0, 0, 40, 300]) },
    work: planWork(
      random,
      cycle,
      witness,
      points.map(({ when }) => when),
    ),
    randomFor: (what) => randomOf(seed, cycle, what),
  };
}

function turns(role, cycle, aCycle) {
  const points = POINTS.filter((point) => point.role === role);
  const from = Math.floor(cycle * aCycle);
  const to = Math.floor((cycle + 1) * aCycle);
  return Array.from({ length: to - from }, (_, n) => points[(from + n) % points.length]);
}
