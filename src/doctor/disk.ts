import { existsSync, readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DevicePaths } from '../device/paths.ts';
import type { Finding } from '../kit/finding.ts';
import { serviceLog } from '../service/definition.ts';

/** Space for the journal, and what the logs take. */
export async function lookAtDisk({ paths }: { paths: DevicePaths }): Promise<Finding[]> {
  return [await lookAtSpace(paths.home), lookAtLogs(paths)];
}

async function lookAtSpace(home: string): Promise<Finding> {
  const title = 'Disk';
  const { bavail, bsize } = await statfs(nearestFolder(home));
  const freeMb = Math.floor((bavail * bsize) / 1_000_000);
  const says = `${freeMb.toLocaleString('en')} MB are free where the journal is.`;
  if (freeMb >= ROOMY_MB) return { code: 'disk', title, severity: 'ok', says };
  const severity = freeMb < LEAST_MB ? 'fault' : 'warning';
  return { code: 'disk_low', title, severity, says, todo: 'Make room; a full disk stops every run.' };
}

/** A device that was never linked has no home yet. */
function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

function lookAtLogs(paths: DevicePaths): Finding {
  const title = 'Logs';
  const megabytes = (bytes: number) => Math.round(bytes / 1_000_000);
  const sizes = sizesIn(paths.logs);
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const printed = sizes.get(serviceLog(paths)) ?? 0;
  if (printed > MOST_PRINTED_BYTES) {
    return {
      code: 'service_log_large',
      title,
      severity: 'warning',
      says: `${serviceLog(paths)} has ${megabytes(printed)} MB, and nobody rotates it: the daemon died again and again.`,
      todo: 'Read its end, then empty it.',
      fix: 'empty_service_log',
    };
  }
  if (total > MOST_LOG_BYTES) {
    const says = `${paths.logs} has ${megabytes(total)} MB.`;
    return { code: 'logs_large', title, severity: 'warning', says, todo: 'Delete the oldest files there.' };
  }
  return { code: 'logs', title, severity: 'ok', says: `${megabytes(total)} MB in ${paths.logs}.` };
}

function sizesIn(folder: string): Map<string, number> {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(
      files.map(({ name }) => [
        join(folder, name),
        statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0,
      ]),
    );
  } catch {
    return new Map();
  }
}

const LEAST_MB = 500;
const ROOMY_MB = 2_000;
const MOST_PRINTED_BYTES = 10_000_000;
const MOST_LOG_BYTES = 500_000_000;
