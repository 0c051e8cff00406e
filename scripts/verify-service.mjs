// Installs the real service of this user for a device of its own in a temporary home, kills its daemon, waits for it to
// come back, and takes everything away again. Refuses where a service is installed already. Exit 1 and a sentence at the
// first thing that is not as it should be.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'runmesh-verify-'));
const env = { ...process.env, RUNMESH_HOME: join(dir, 'device'), RUNMESH_SECRETS: 'file' };

if (runmesh('service', 'status').installed)
  throw new Error('A service is installed here already; uninstall it first.');
const mesh = background('mesh', '--port', '0', '--data', join(dir, 'mesh'));
try {
  const { url, apiKey } = await mesh.line('mesh_ready');
  const link = background('link', '--mesh', url, '--name', 'verify');
  const { code } = await link.line('link_code');
  await fetch(`${url}/v1/runmesh/devices/link/approve`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  await link.line('linked');
  await verifyService();
} finally {
  runmesh('service', 'uninstall');
  mesh.child.kill('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
}

async function verifyService() {
  const installed = runmesh('service', 'install');
  if (!installed.registered) throw new Error(`not registered: ${JSON.stringify(installed)}`);
  const again = runmesh('service', 'install');
  if (!again.registered || again.pid === installed.pid)
    throw new Error(`not started anew: ${JSON.stringify(again)}`);
  process.kill(again.pid, 'SIGKILL');
  for (let tries = 0; !runmesh('service', 'status').registered; tries += 1) {
    if (tries > 120) throw new Error('it did not come back in a minute after a SIGKILL');
    await sleep(500);
  }
  if (!runmesh('service', 'restart').registered) throw new Error('not registered after a restart');
  if (runmesh('service', 'stop').running) throw new Error('it runs after it was stopped');
  if (!runmesh('service', 'start').registered) throw new Error('not registered after a start');
  const left = runmesh('service', 'uninstall');
  if (left.installed || left.loaded || left.running)
    throw new Error(`something is left: ${JSON.stringify(left)}`);
}

/** The last line that a command says. */
function runmesh(...args) {
  const { stdout } = spawnSync(process.execPath, [program, ...args, '--json'], { env, encoding: 'utf8' });
  const line = JSON.parse(stdout.trim().split('\n').at(-1) || '{}');
  if (line.type === 'error') throw new Error(`${args.join(' ')}: ${line.message}`);
  return line;
}

function background(...args) {
  const child = spawn(process.execPath, [program, ...args, '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (type) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${args[0]} ended without saying ${type}`);
      if (JSON.parse(value).type === type) return JSON.parse(value);
    }
  };
  return { child, line };
}
