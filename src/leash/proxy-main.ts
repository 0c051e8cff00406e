import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProxies } from './sandbox-proxies.ts';

/** The process of one list of domains: it runs the proxies, says where they are, and goes with the daemon. */
const folder = mkdtempSync(join(tmpdir(), 'proxies-'));
const domains: string[] = JSON.parse(process.argv[2] ?? '[]');

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.chdir(folder);
const { proxies, close } = await startProxies(domains, process.platform, folder, (denied) => {
  if (process.connected) process.send?.({ denied }, () => {});
});
process.on('disconnect', end);
// A daemon that died while the proxies were starting is told of by no event any more.
if (process.connected) process.send?.({ proxies }, () => {});
else end();

function end(): void {
  close()
    .catch(() => {})
    .finally(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(0);
    });
}
