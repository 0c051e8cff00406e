import { FAULTS } from './faults.mjs';
import { POINTS } from './points.mjs';
import { quantile } from './tally.mjs';

/** The figures as a table for a person; the last line says them in a sentence. */
export function tableOf(tally) {
  const { sums, most } = tally;
  const rows = [
    ['cycles', tally.cycles],
    [
      'runs',
      `${tally.runs} (${Object.entries(tally.ends)
        .map(([status, n]) => `${n} ${status}`)
        .join(', ')})`,
    ],
    ...Object.keys(FAULTS).map((name) => [`fault: ${name}`, tally.faults[name] ?? 0]),
    ...POINTS.map(({ name }) => [`crash: ${name}`, tally.points[name] ?? 0]),
    ['events journaled', sums.journaled],
    ['events received', sums.received],
    ['events lost', sums.lost],
    ['events doubled', sums.doubled],
    ['tool calls intended', sums.calls],
    ['tool calls executed, by the witness', sums.executed],
    ['executed twice', sums.twice],
    ['outcome unknown', sums.unknown],
    ['questions to the owner', sums.asked],
    ['writes after a run resumed', sums.late],
    ['orphans after 6 s', tally.orphans],
    ['runs without an end', sums.endless],
    ['starts refused by a full disk', tally.refusedStarts],
    ['callers’ reconnects', tally.reconnects],
    ['texts told whole in fair weather', tally.wholeTexts],
    ['start to registered', `${msOf(tally.recoveries)} (${tally.recoveries.length} starts)`],
    ['start to runs resumed', `${msOf(tally.resumes)} (${tally.resumes.length} starts)`],
    [
      'most memory, files, log',
      `daemon ${most.daemonMb} MB, mesh ${most.meshMb} MB, ${most.files} files, ${most.walMb.toFixed(1)} MB`,
    ],
    ['time', `${Math.round(tally.seconds)} s, at a load of ${quantile(tally.loads, 0.5)?.toFixed(1)} a core`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

export function sentenceOf(tally, seed, sabotage = []) {
  const { sums } = tally;
  const hits = POINTS.map(({ name }) => tally.points[name] ?? 0);
  const faults = [...Object.values(tally.faults), ...Object.values(tally.points)].reduce(
    (sum, n) => sum + n,
    0,
  );
  return (
    `Seed ${seed}: in ${tally.cycles} cycles with ${faults} faults (${POINTS.length} crash points, each hit at least ${Math.min(...hits)} times) ` +
    `${sums.journaled} events were journaled, ${sums.lost} lost and ${sums.doubled} doubled; of ${sums.calls} calls ` +
    `${sums.twice} were executed twice and ${sums.late} wrote after their run had resumed; ${tally.orphans} orphans, ` +
    `${sums.endless} runs without an end, ${tally.failures.length} cycles failed; recovery ${msOf(tally.recoveries)}${caughtOf(sabotage)}.`
  );
}

/** Which sabotaged programs were found out, and in which cycle. */
export function sabotageTableOf(sabotage) {
  const rows = sabotage.map(({ name, breaks, cycle, cycles, wrong }) => {
    const found =
      cycle === undefined ? `NOT CAUGHT in ${cycles} cycles` : `caught in cycle ${cycle}: ${wrong}`;
    return `sabotage: ${name} (breaks: ${breaks})  ${found.slice(0, 200)}`;
  });
  return [...rows, `sabotage: ${sabotage.filter(isCaught).length} of ${sabotage.length} caught`].join('\n');
}

export function isCaught({ cycle }) {
  return cycle !== undefined;
}

function caughtOf(sabotage) {
  if (sabotage.length === 0) return '';
  return `; sabotage: ${sabotage.filter(isCaught).length} of ${sabotage.length} caught`;
}

/** The same for a program; `tally` is what a storm goes on from. */
export function jsonOf(tally, seed, sabotage = []) {
  const { cycles, runs, ends, faults, points, sums, orphans, failures, skipped, most } = tally;
  return {
    seed,
    ...{ cycles, runs, ends, faults, points, ...sums, orphans, failures, skipped, most },
    registeredMs: spread(tally.recoveries),
    resumedMs: spread(tally.resumes),
    loadPerCore: quantile(tally.loads, 0.5),
    seconds: Math.round(tally.seconds),
    sabotage,
    tally,
  };
}

function spread(values) {
  return { starts: values.length, p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

function msOf(values) {
  if (values.length === 0) return 'not measured';
  return `p50 ${Math.round(quantile(values, 0.5))} ms, p99 ${Math.round(quantile(values, 0.99))} ms`;
}
