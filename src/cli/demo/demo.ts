import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setConfig } from '../../device/config.ts';
import { devicePaths, prepareFolders } from '../../device/paths.ts';
import { DEMO_MODEL } from '../../protocol/demo.ts';
import { callMesh, type MeshAccess } from '../caller/mesh-client.ts';
import { orderRecord, runOnMesh } from '../commands/run.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { clean } from '../render/clean.ts';
import { Child } from './child.ts';
import { demoDiff, makeDemoRepository } from './demo-repository.ts';

export interface DemoOptions {
  model?: string;
  keep?: boolean;
}

/**
 * A whole run on one machine, over the real ways: a mesh and a daemon as processes of their own, the device linked by a
 * code, an agent created over HTTP, and its run followed as any caller would.
 */
export async function demoCommand(
  context: CliContext,
  output: Output,
  options: DemoOptions,
): Promise<number> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'runmesh-demo-'));
  const repository = join(folder, 'repository');
  const env = { ...context.env, RUNMESH_HOME: join(folder, 'device'), RUNMESH_SECRETS: 'file' };
  const children: Child[] = [];
  const start = (...args: string[]): Child => {
    const child = new Child(context.programFile, args, env);
    children.push(child);
    return child;
  };
  const note = (words: string) => output.say(output.paint('dim', words));
  try {
    makeDemoRepository(repository);
    note(`A repository with a failing test: ${repository}`);
    const mesh = await startMesh(start, folder);
    note(`An embedded mesh: ${mesh.url}`);
    const deviceId = await linkDemoDevice(start, mesh);
    const paths = devicePaths(env, context.platform, context.homedir);
    prepareFolders(paths);
    setConfig(paths, 'workspaces.default', repository);
    await start('daemon').line('daemon_ready');
    note(`A device, linked and connected: ${deviceId}\n`);
    await callMesh(mesh, 'POST', '/v1/agents', {
      body: {
        slug: 'demo',
        name: 'Demo',
        model: options.model ?? DEMO_MODEL,
        executionMode: 'local-mac',
        targetDeviceId: deviceId,
        systemPrompt:
          'You mend failing tests. Read the code, run the test, change as little as needed, and run the test again.',
      },
    });
    const request = {
      agent: 'demo',
      prompt: 'The test of this repository fails. Find out why, mend it, and show that it passes.',
    };
    const record = await runOnMesh(context, output, request, mesh);
    output.say(`\n${output.paint('bold', 'What changed:')}\n${clean(demoDiff(repository))}`);
    if (options.keep) output.say(`Kept: ${folder}`);
    output.tell(orderRecord(record));
    return record.status === 'completed' ? 0 : 1;
  } finally {
    for (const child of children.reverse()) await child.stop();
    if (!options.keep) rmSync(folder, { recursive: true, force: true });
  }
}

type Start = (...args: string[]) => Child;

async function startMesh(start: Start, folder: string): Promise<MeshAccess> {
  const ready = await start('mesh', '--port', '0', '--data', join(folder, 'mesh')).line('mesh_ready');
  return { url: String(ready.url), apiKey: String(ready.apiKey) };
}

async function linkDemoDevice(start: Start, mesh: MeshAccess): Promise<string> {
  const link = start('link', '--mesh', mesh.url, '--name', 'This computer');
  const { code } = await link.line('link_code');
  await callMesh(mesh, 'POST', '/v1/runmesh/devices/link/approve', { body: { code } });
  return String((await link.line('linked')).deviceId);
}
