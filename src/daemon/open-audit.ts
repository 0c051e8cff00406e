import { openAudit } from '../device/audit/audit.ts';
import { createAuditMirror } from '../device/audit/mirror-audit.ts';
import { noteConfig } from '../device/audit/note-config.ts';
import { bounded } from '../kit/bounded.ts';
import { messageOf } from '../kit/errors.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { Credentials } from './credentials.ts';
import type { OpenedDevice } from './open-device.ts';

export interface OpenedAudit {
  record: RecordAudit;
  /** Sends what waits: the device's key can be read now. */
  send(): void;
  /** Sends what is left, in one try. */
  close(): Promise<void>;
}

/** The audit of a linked device: written here, and kept up to date on its mesh. */
export function openDeviceAudit(
  device: OpenedDevice,
  credentials: () => Credentials | undefined,
): OpenedAudit {
  const { paths, clock, random, log, redactor, mesh, network } = device;
  const audit = openAudit({ path: paths.audit, clock, random, mask: redactor.text });
  noteConfig(audit, paths);
  const over = new AbortController();
  const access = { url: mesh.url, fetch: network.fetch };
  const apiKey = () => credentials()?.apiKey;
  const mirror = createAuditMirror({ audit, mesh: access, apiKey, clock, random, log });
  const mirroring = mirror
    .run(over.signal)
    .catch((error) => log.error({ reason: messageOf(error) }, 'the audit is no longer sent'));
  return {
    record: (type, detail, runId) => {
      audit.record(type, detail, runId);
      mirror.wake();
    },
    send: mirror.wake,
    close: async () => {
      over.abort();
      await mirroring;
      await bounded(LAST_RECORDS_MS, undefined, (late) => mirror.finish(late));
      audit.close();
    },
  };
}

/** A stop has 45 seconds (`ExitTimeOut`), of which the steps under way may take most. */
const LAST_RECORDS_MS = 3_000;
