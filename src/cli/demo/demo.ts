import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyUnconfined } from '../../daemon/sandbox-here.ts';
import { setConfig } from '../../device/config.ts';
import { devicePaths, prepareFolders } from '../../device/paths.ts';
import { RunmeshError } from '../../kit/errors.ts';
import { DEMO_MODEL } from '../../protocol/demo.ts';
import { callMesh, type MeshAccess } from '../caller/mesh-client.ts';
import { orderRecord, runOnMesh } from '../commands/run.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { paintDiff } from '../render/diff.ts';
import { Child } from './child.ts';
import { demoDiff, makeDemoRepository } from './demo-repository.ts';

export interface DemoOptions {
  model?: string;
  keep?: boolean;
}

/**
 * A whole run on one machine, over the real ways: a mesh and a daemon as processes of their own, the device linked by a
 * code, an agent created over HTTP, and its run followed as any caller would. Nothing of it is left behind, however it
 * ends: Ctrl-C before the run ends everything, during the run it cancels the run, and a second one ends everything.
 */
export async function demoCommand(
  context: CliContext,
  output: Output,
  options: DemoOptions,
): Promise<number> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'runmesh-demo-'));
  const house = new DemoHouse(context, folder);
  const eraseFolder = () => {
    if (options.keep) output.say(`Kept: ${folder}`);
    // A process that was killed this moment may still be writing its last.
    else rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  };
  const leave = (code: number) => {
    house.kill();
    eraseFolder();
    context.leave(code);
  };
  const forget = context.onSignal(() => {
    if (!house.ready) leave(1);
  });
  try {
    const model = options.model ?? DEMO_MODEL;
    const note = (words: string) => output.say(output.paint('dim', words));
    const { mesh, deviceId } = await house.open(note, model === DEMO_MODEL);
    await createDemoAgent(mesh, deviceId, model);
    const record = await runOnMesh({ ...context, leave }, output, { agent: 'demo', prompt: PROMPT }, mesh);
    const diff = demoDiff(house.repository, context.env);
    if (diff !== '')
      output.say(`\n${output.paint('bold', 'What changed:')}\n${paintDiff(diff, output.paint)}`);
    output.tell(orderRecord(record));
    return record.status === 'completed' ? 0 : 1;
  } finally {
    await house.close();
    forget();
    eraseFolder();
  }
}

/** The demo's mesh and device: a folder, and the processes that live on it. */
class DemoHouse {
  readonly repository: string;
  /** Everything runs, and the run itself listens for Ctrl-C from here on. */
  ready = false;
  readonly #context: CliContext;
  readonly #folder: string;
  readonly #env: CliContext['env'];
  readonly #children: Child[] = [];

  constructor(context: CliContext, folder: string) {
    this.#context = context;
    this.#folder = folder;
    this.repository = join(folder, 'repository');
    const home = join(folder, 'device');
    this.#env = { ...context.env, RUNMESH_HOME: home, RUNMESH_SECRETS: 'file', TMPDIR: folder };
  }

  /** `scripted`: the model says what this package lets it say, so its commands need no sandbox where there is none. */
  async open(
    note: (words: string) => void,
    scripted: boolean,
  ): Promise<{ mesh: MeshAccess; deviceId: string }> {
    const unconfined = whyUnconfined(this.#context.platform);
    if (unconfined !== undefined && !scripted) {
      throw new RunmeshError('sandbox_unavailable', `A real model needs a sandbox. ${unconfined}`);
    }
    makeDemoRepository(this.repository, this.#context.env);
    note(`A repository with a failing test: ${this.repository}`);
    const meshReady = await this.#start('mesh', '--port', '0', '--data', join(this.#folder, 'mesh')).line(
      'mesh_ready',
    );
    const mesh = { url: String(meshReady.url), apiKey: String(meshReady.apiKey), fetch };
    note(`An embedded mesh: ${mesh.url}`);
    const deviceId = await this.#link(mesh);
    const paths = devicePaths(this.#env, this.#context.platform, this.#context.homedir);
    prepareFolders(paths);
    setConfig(paths, 'workspaces.default', this.repository);
    if (unconfined !== undefined) {
      setConfig(paths, 'sandbox.unavailable', 'run-unsandboxed');
      note(`No sandbox: the demo’s own commands run without one, as you. ${unconfined}`);
    }
    await this.#start('daemon').line('daemon_ready');
    note(`A device, linked and connected: ${deviceId}\n`);
    this.ready = true;
    return { mesh, deviceId };
  }

  async close(): Promise<void> {
    for (const child of this.#children.toReversed()) await child.stop();
  }

  kill(): void {
    for (const child of this.#children) child.kill();
  }

  async #link(mesh: MeshAccess): Promise<string> {
    const link = this.#start('link', '--mesh', mesh.url, '--name', 'This computer');
    const { code } = await link.line('link_code');
    await callMesh(mesh, 'POST', '/v1/runmesh/devices/link/approve', { body: { code } });
    return String((await link.line('linked')).deviceId);
  }

  #start(...args: string[]): Child {
    const child = new Child(this.#context.programFile, args, this.#env);
    this.#children.push(child);
    return child;
  }
}

async function createDemoAgent(mesh: MeshAccess, deviceId: string, model: string): Promise<void> {
  const body = {
    slug: 'demo',
    name: 'Demo',
    model,
    executionMode: 'local-mac',
    targetDeviceId: deviceId,
    systemPrompt:
      'You mend failing tests. Read the code, run the test, change as little as needed, and run the test again.',
  };
  await callMesh(mesh, 'POST', '/v1/agents', { body });
}

const PROMPT = 'The test of this repository fails. Find out why, mend it, and show that it passes.';
