// The real program for the bench: mesh and daemon as processes of their own, in a temporary folder.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from '../support/command.mjs';
import { readSse } from '../support/sse.mjs';

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export async function openWorld(model) {
  const dir = mkdtempSync(join(tmpdir(), 'runmesh-bench-'));
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    RUNMESH_HOME: join(dir, 'device'),
    RUNMESH_SECRETS: 'file',
  };
  mkdirSync(join(dir, 'workspace'));
  const runmesh = (...args) => command({ program, args, env });
  const mesh = runmesh('mesh', '--port', '0', '--data', join(dir, 'mesh'), '--json');
  const { url, apiKey } = await mesh.line('mesh_ready');
  const api = (path, body) =>
    fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const link = runmesh('link', '--mesh', url, '--name', 'bench', '--json');
  const { code } = await link.line('link_code');
  await api('/v1/runmesh/devices/link/approve', { code });
  const { deviceId } = await link.line('linked');
  const provider = JSON.stringify({ type: 'openai-compatible', baseUrl: model.url });
  await runmesh('config', 'set', 'workspaces.default', join(dir, 'workspace')).exited;
  await runmesh('config', 'set', 'models.providers.bench', provider).exited;
  // Where the machine has no sandbox, both figures of a turn are the same.
  await runmesh('config', 'set', 'sandbox.unavailable', 'run-unsandboxed').exited;
  // What only a first start does (sending what linking left to be sent) is none of what is measured.
  const first = runmesh('daemon', '--json');
  await first.line('daemon_ready');
  first.child.kill('SIGTERM');
  await first.exited;
  const began = performance.now();
  const daemon = runmesh('daemon', '--json');
  await daemon.line('daemon_ready');
  const registeredMs = performance.now() - began;
  await api('/v1/agents', {
    slug: 'bench',
    model: 'bench/free',
    executionMode: 'local-mac',
    targetDeviceId: deviceId,
    tools: ['exec_command'],
  });
  return {
    env,
    registeredMs,
    daemonPid: daemon.child.pid,
    meshPid: mesh.child.pid,
    /** The daemon goes by a changed config at once. */
    configure: async (key, value) => {
      await runmesh('config', 'set', key, value).exited;
    },
    /** Runs the order and answers its frames, each with the time it came (epoch milliseconds). */
    run: async (order) => {
      const frames = [];
      const asked = performance.timeOrigin + performance.now();
      const body = { agent: 'bench', prompt: JSON.stringify(order), config: { maxTurns: 1_000 } };
      await readSse(await api('/v1/run', body), ({ event, data }) => {
        frames.push({ at: performance.timeOrigin + performance.now(), event, data });
      });
      const end = JSON.parse(frames.at(-1)?.data ?? '{}');
      if (end.payload?.status !== 'completed')
        throw new Error(`the run did not complete: ${frames.at(-1)?.data}`);
      return { asked, frames };
    },
    close: async () => {
      for (const one of [daemon, mesh]) {
        one.child.kill('SIGTERM');
        await one.exited;
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
