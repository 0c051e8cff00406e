import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { command } from '../support/command.mjs';
import { makeDisk } from './disk.mjs';
import { Keeper } from './keeper.mjs';
import { openProxy } from './proxy.mjs';

/**
 * A mesh, a linked device and the bad networks before it, as processes of their own on folders of their own. `model` is
 * where the scripted model listens; `watch` notices what passes between device and mesh, and who dies.
 */
export async function openHouse({ dir, program, model, watch, sandboxed, diskMegabytes = DISK_MEGABYTES }) {
  mkdirSync(join(dir, 'workspace'), { recursive: true });
  const disk = makeDisk(join(dir, 'disk'), diskMegabytes);
  const meshDisk = makeDisk(join(dir, 'mesh-disk'), diskMegabytes);
  const home = join(disk.dir, 'device');
  const temporary = join(dir, 'tmp');
  mkdirSync(temporary);
  const env = (life) => ({
    PATH: process.env.PATH,
    HOME: dir,
    TMPDIR: temporary,
    SHELL: '/bin/bash',
    RUNMESH_HOME: home,
    RUNMESH_SECRETS: 'file',
    // Which life a command, or a request to the model, belongs to.
    LC_LAB: String(life),
    LAB_KEY: `life-${life}`,
  });
  const files = (name) => ({
    ordersFile: join(dir, `${name}.orders`),
    doneFile: join(dir, `${name}.done`),
    onDeath: (death) => watch.died(name, death),
  });
  const meshPort = await freePort();
  const devices = await openProxy(
    () => meshPort,
    (direction, text) => watch.frame(direction, text),
  );
  const callers = await openProxy(() => meshPort);
  const publicUrl = `http://127.0.0.1:${devices.port}`;
  const mesh = new Keeper({
    program,
    env,
    readyLine: 'mesh_ready',
    ...files('mesh'),
    args: [
      'mesh',
      '--port',
      String(meshPort),
      '--public-url',
      publicUrl,
      '--data',
      join(meshDisk.dir, 'mesh'),
      '--json',
    ],
  });
  mesh.start();
  await mesh.ready();
  const { apiKey } = mesh.starts[0].ready;

  const api = apiOf(`http://127.0.0.1:${callers.port}`, apiKey);
  const runmesh = (...args) => command({ program, args, env: env(0) });
  const link = runmesh('link', '--mesh', publicUrl, '--name', 'lab', '--json');
  const { code } = await link.line('link_code');
  await api('/v1/runmesh/devices/link/approve', { body: { code } });
  const { deviceId } = await link.line('linked');
  const provider = { type: 'openai-compatible', baseUrl: model, apiKeyEnv: 'LAB_KEY' };
  for (const [key, value] of [
    ['workspaces.default', join(dir, 'workspace')],
    ['models.providers.lab', JSON.stringify(provider)],
    ['maxConcurrentRuns', '4'],
    ['approvals.fromMesh', 'true'],
    ['sandbox.mode', sandboxed ? 'workspace-write' : 'danger-full-access'],
  ]) {
    const set = runmesh('config', 'set', key, value);
    if ((await set.exited).code !== 0) throw new Error(`config set ${key}: ${set.stderr()}`);
  }
  // Who starts a run may not answer its questions.
  const owner = await api('/v1/api-keys', {
    body: { name: 'owner', scopes: ['agent:read', 'agent:approve'] },
  });
  const agent = { slug: 'lab', model: 'lab/scripted', executionMode: 'local-mac', targetDeviceId: deviceId };
  await api('/v1/agents', { body: agent });
  const daemon = new Keeper({
    program,
    args: ['daemon', '--json'],
    env,
    readyLine: 'daemon_ready',
    ...files('daemon'),
    onReady: (start) => watch.ready(start),
  });
  const house = {
    dir,
    mesh,
    daemon,
    devices,
    callers,
    disk,
    meshDisk,
    api,
    askOwner: apiOf(`http://127.0.0.1:${callers.port}`, owner.apiKey),
    runmesh,
    temporary,
    journalFile: join(home, 'journal.db'),
    meshFile: join(meshDisk.dir, 'mesh', 'mesh.db'),
    fairSince: (at) => watch.fairSince(at),
    /** How often a program of this house died at a crash point. */
    hitsOf: (point) => watch.hits.get(point) ?? 0,
    close: async ({ keep }) => {
      for (const keeper of [daemon, mesh]) {
        keeper.hold();
        await keeper.kill('over');
      }
      devices.close();
      callers.close();
      disk.close({ keep });
      meshDisk.close({ keep });
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
  writeFileSync(join(dir, 'workspace', 'append'), 'echo "$LC_LAB $1 $2 $3" >> witness\n');
  watch.house = house;
  daemon.start();
  await daemon.ready();
  return house;
}

/** A port of loopback that nobody has: the mesh must be found at the same one by each of its lives. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Calls the mesh as a caller does. Throws where the answer is no success. */
function apiOf(base, apiKey) {
  return async (path, { body, headers = {}, raw = false, signal } = {}) => {
    const response = await fetch(base + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    if (!response.ok) throw new ApiError(response.status, await response.text());
    return raw ? response : (await response.json()).data;
  };
}

export class ApiError extends Error {
  constructor(status, text) {
    super(`${status} ${text}`);
    this.status = status;
  }
}

const DISK_MEGABYTES = 48;
