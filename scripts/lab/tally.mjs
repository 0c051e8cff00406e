/** The storm's figures, added up over cycles and houses; plain, so that a report can hold them and a storm go on. */
export function newTally(from) {
  return {
    /** The cycle to go on with. */
    next: from,
    seconds: 0,
    cycles: 0,
    runs: 0,
    faults: {},
    points: {},
    sums: Object.fromEntries(SUMMED.map((name) => [name, 0])),
    ends: {},
    wholeTexts: 0,
    reconnects: 0,
    orphans: 0,
    refusedStarts: 0,
    /** The machine's load a core, at the end of each cycle: figures of time mean little without. */
    loads: [],
    recoveries: [],
    resumes: [],
    most: { daemonMb: 0, meshMb: 0, files: 0, walMb: 0 },
    failures: [],
    skipped: [],
  };
}

export function count(counts, name, by = 1) {
  counts[name] = (counts[name] ?? 0) + by;
}

export function addRun(tally, judged) {
  tally.runs += 1;
  for (const name of SUMMED) tally.sums[name] += judged[name];
}

/** The value below which `share` of the values lie. */
export function quantile(values, share) {
  if (values.length === 0) return undefined;
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
}

export const SUMMED = [
  'journaled',
  'received',
  'lost',
  'doubled',
  'calls',
  'executed',
  'twice',
  'unknown',
  'late',
  'asked',
  'endless',
];
