import { readFileSync } from 'node:fs';

/** Lines of the witness file by run: `{ life, call, what }`, in the order in which they were written. */
export function readWitness(file) {
  const runs = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const [life, run, call, what] = line.split(' ');
    const lines = runs.get(run) ?? [];
    lines.push({ life: Number(life), call, what });
    runs.set(run, lines);
  }
  return runs;
}

/**
 * What a run's commands did that they should not: a call that began twice, and a line by a command of an earlier life
 * after the run had gone on in a later one (the model being asked again counts as going on).
 */
export function judgeWitness(run, lines = []) {
  const wrong = [];
  const begun = new Set();
  let twice = 0;
  let late = 0;
  let newest = 0;
  for (const { life, call, what } of lines) {
    if (life < newest && what !== ASKED) {
      late += 1;
      if (late === 1)
        wrong.push(`${call} of life ${life} wrote "${what}" after the run had gone on in life ${newest}`);
    }
    newest = Math.max(newest, life);
    if (what !== 'begin' && !what.startsWith('typed')) continue;
    const key = `${call} ${what}`;
    if (begun.has(key)) {
      twice += 1;
      wrong.push(`${call} was executed twice (${what}, life ${life})`);
    }
    begun.add(key);
  }
  return { wrong: wrong.map((words) => `run ${run}: ${words}`), twice, late, executed: begun.size };
}

/** What the driver writes when the model is asked. */
export const ASKED = 'asked';
