import { formatPlural, formatTable } from '../../control/words/format.ts';
import { type Audit, openAudit } from '../../device/audit/audit.ts';
import { readAudit } from '../../device/audit/read-audit.ts';
import { verifyAudit } from '../../device/audit/verify-audit.ts';
import { prepareFolders } from '../../device/paths.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { cleanLine, shorten } from '../render/clean.ts';

export interface AuditCommandOptions {
  run?: string;
  /** Epoch milliseconds. */
  since?: number;
  limit: number;
}

/** Shows what was done on this device, the newest last. */
export async function auditCommand(
  context: CliContext,
  output: Output,
  { run, since, limit }: AuditCommandOptions,
): Promise<number> {
  return withAudit(context, (audit) => {
    const query = { limit, ...(run !== undefined && { runId: run }), ...(since !== undefined && { since }) };
    const records = readAudit(audit, query);
    for (const { type, ...record } of records) output.tell({ type: 'audit', what: type, ...record });
    const rows = records.map(({ n, at, type, runId, detail }) => [
      String(n),
      cleanLine(at),
      cleanLine(type),
      cleanLine(runId ?? '-'),
      shorten(cleanLine(wordsOf(detail)), DETAIL_WIDTH),
    ]);
    if (rows.length === 0) output.say('Nothing is recorded that fits.');
    else for (const line of formatTable([['n', 'at', 'what', 'run', 'detail'], ...rows])) output.say(line);
    return 0;
  });
}

/** Checks that no record was changed or taken out; exit code 1 names the first that does not fit. */
export async function verifyAuditCommand(context: CliContext, output: Output): Promise<number> {
  return withAudit(context, (audit) => {
    const verdict = verifyAudit(audit);
    output.tell({ type: 'audit_verified', ...verdict });
    if (verdict.intact) {
      const { records, mirrored } = verdict;
      output.say(`The audit is whole: ${formatPlural(records, 'record')}, each fits the one before it.`);
      output.say(
        mirrored === 0 ? 'The mesh has none of it yet.' : `The mesh has it up to record ${mirrored}.`,
      );
      return 0;
    }
    output.say(`The audit is broken at record ${verdict.n}: ${BROKEN[verdict.why]}`);
    output.say(
      `What is before record ${verdict.n} fits. Compare with the mesh’s copy: GET /v1/runmesh/audit.`,
    );
    return 1;
  });
}

function withAudit(context: CliContext, work: (audit: Audit) => number): number {
  prepareFolders(pathsOf(context));
  const { clock, random } = context;
  const audit = openAudit({ path: pathsOf(context).audit, clock, random });
  try {
    return work(audit);
  } finally {
    audit.close();
  }
}

function wordsOf(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([name]) => name !== 'configHash')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

const DETAIL_WIDTH = 100;
const BROKEN = {
  missing: 'it is missing.',
  changed: 'it was changed, moved or put in after the fact.',
  cut: 'the end was cut off; the mesh has acknowledged more than there is here.',
};
