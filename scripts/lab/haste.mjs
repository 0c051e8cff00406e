/**
 * The copy's waits, shortened so that what takes the program minutes (a silent peer, a dispatch nobody answered) fits a
 * cycle of two seconds. Only durations; the order of things stays.
 */
export const HASTE = [
  ...inFile('protocol/limits.js', {
    'dialMs: 10_000': 'dialMs: 1_500',
    'handshakeFrameMs: 5_000': 'handshakeFrameMs: 1_500',
    'heartbeatMs: 15_000': 'heartbeatMs: 500',
    'heartbeatMinMs: 5_000': 'heartbeatMinMs: 100',
    'silenceGraceMs: 5_000': 'silenceGraceMs: 500',
    'backoffBaseMs: 500': 'backoffBaseMs: 60',
    'backoffMaxMs: 60_000': 'backoffMaxMs: 500',
    'stableLinkMs: 30_000': 'stableLinkMs: 1_500',
    'drainSpreadMs: 5_000': 'drainSpreadMs: 200',
    'replacedWaitMinMs: 30_000': 'replacedWaitMinMs: 150',
    'replacedWaitMaxMs: 60_000': 'replacedWaitMaxMs: 300',
    'replacedWithinMs: 300_000': 'replacedWithinMs: 3_000',
    'wakeGapMs: 15_000': 'wakeGapMs: 700',
    'wakeTickMs: 5_000': 'wakeTickMs: 250',
    'wakeProbeMs: 5_000': 'wakeProbeMs: 400',
    'dispatchRetryMs: 10_000': 'dispatchRetryMs: 800',
    'deviceUnreachableMs: 45_000': 'deviceUnreachableMs: 2_000',
  }),
  ...inFile('mesh/runs/overdue-runs.js', { 'AWAY_GRACE_MS = 60_000': 'AWAY_GRACE_MS = 3_000' }),
  ...inFile('runs/disk-wait.js', { 'DISK_RETRY_MS = 5_000': 'DISK_RETRY_MS = 300' }),
];

/** One more schema version, so that a journal of the copy can be put back to the version before and migrated again. */
export const EXTRA_MIGRATION = {
  name: 'extra migration',
  file: 'journal/migrations.js',
  find: '\n];\n',
  put: "\n  'CREATE TABLE lab_migrated (at INTEGER)',\n];\n",
};

function inFile(file, changes) {
  return Object.entries(changes).map(([find, put]) => ({ name: `haste ${find}`, file, find, put }));
}
