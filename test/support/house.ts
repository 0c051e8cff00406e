import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createParser } from 'eventsource-parser';
import { noSandbox } from './policies.ts';
import { Command, type Line } from './processes.ts';
import { runHere } from './run-here.ts';
import { tempDir } from './temp.ts';

/**
 * A whole small world of real processes: an embedded mesh, a linked device with its daemon, and the HTTP calls a
 * caller makes. Each part can be killed and started again on the same folders.
 */
export class House {
  readonly dir = tempDir();
  readonly workspace = join(this.dir, 'workspace');
  /** Further environment of both processes: where the models are. */
  readonly env: Record<string, string>;
  mesh: Command | undefined;
  daemon: Command | undefined;
  url = '';
  key = '';
  deviceId = '';
  meshPort = 0;

  constructor(env: Record<string, string> = {}) {
    this.env = env;
    mkdirSync(this.workspace);
  }

  /** A house whose agent `worker` speaks to one chat-completions endpoint. */
  static async withModel(
    baseUrl: string,
    agent: Record<string, unknown> = {},
    env: Record<string, string> = {},
  ): Promise<House> {
    const house = new House(env);
    await house.startMesh();
    await house.link();
    await house.configure('models.providers.test', JSON.stringify({ type: 'openai-compatible', baseUrl }));
    await house.startDaemon();
    await house.agent({ model: 'test/model', ...agent });
    return house;
  }

  async configure(key: string, value: string): Promise<void> {
    const args = ['config', 'set', key, value];
    if (this.#inThisProcess) return runHere(args, this.environment);
    const set = this.command(...args);
    const { code } = await set.exited;
    if (code !== 0) throw new Error(`config set ${key} failed: ${set.stderr}`);
  }

  /**
   * Whether a command may run in the test's own process. libsecret finds its bus by the environment of the process that it is in;
   * and a database that was closed here stays open until its statements are collected, which a small disk of its own would feel.
   */
  get #inThisProcess(): boolean {
    return this.environment.RUNMESH_SECRETS === 'file' && this.env.RUNMESH_HOME === undefined;
  }

  static async open(env: Record<string, string> = {}): Promise<House> {
    const house = new House(env);
    await house.startMesh();
    await house.link();
    await house.startDaemon();
    return house;
  }

  get environment(): Record<string, string | undefined> {
    return {
      PATH: process.env.PATH,
      HOME: this.dir,
      RUNMESH_HOME: join(this.dir, 'device'),
      RUNMESH_SECRETS: 'file',
      TMPDIR: this.dir,
      ...this.env,
    };
  }

  command(...args: string[]): Command {
    return new Command(args, this.environment);
  }

  async startMesh(...args: string[]): Promise<void> {
    // The same port after a restart, so that the device finds its mesh where it was linked to it.
    this.mesh = this.command(
      'mesh',
      '--port',
      String(this.meshPort),
      '--data',
      join(this.dir, 'mesh'),
      '--json',
      ...args,
    );
    const ready = await this.mesh.line('mesh_ready');
    this.key = String(ready.apiKey);
    this.meshPort = Number(ready.port);
    this.url = `http://127.0.0.1:${this.meshPort}`;
  }

  /** A mesh in the test's own process, for what does not need to be killed: a fifth of what a process of its own costs. */
  useMesh({ url, apiKey }: { url: string; apiKey: string }): void {
    this.url = url;
    this.key = apiKey;
    this.meshPort = Number(new URL(url).port);
  }

  async link(mesh = this.url): Promise<void> {
    const args = ['link', '--mesh', mesh, '--name', 'test'];
    const approved: Promise<unknown>[] = [];
    const onLine = ({ type, code, deviceId }: Line): void => {
      if (type === 'link_code') approved.push(this.post('/v1/runmesh/devices/link/approve', { code }));
      if (type === 'linked') this.deviceId = String(deviceId);
    };
    if (this.#inThisProcess) await runHere(args, this.environment, onLine);
    else {
      const link = this.command(...args, '--json');
      onLine(await link.line('link_code'));
      onLine(await link.line('linked'));
      await link.exited;
    }
    await Promise.all(approved);
    await this.configure('workspaces.default', this.workspace);
    // A machine without a sandbox still shows everything that is not about it.
    if (noSandbox !== undefined) await this.configure('sandbox.unavailable', 'run-unsandboxed');
  }

  async startDaemon(): Promise<void> {
    this.daemon = this.command('daemon', '--json');
    await this.daemon.line('daemon_ready');
  }

  /** Creates or replaces the agent `worker`, bound to the device. */
  async agent(definition: Record<string, unknown>): Promise<void> {
    await this.post('/v1/agents', {
      slug: 'worker',
      executionMode: 'local-mac',
      targetDeviceId: this.deviceId,
      ...definition,
    });
  }

  async post(path: string, body: unknown): Promise<Record<string, unknown>> {
    return this.#json(await this.fetch(path, { method: 'POST', body: JSON.stringify(body) }));
  }

  async get(path: string): Promise<Record<string, unknown>> {
    return this.#json(await this.fetch(path));
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = {
      authorization: `Bearer ${this.key}`,
      'content-type': 'application/json',
      ...init.headers,
    };
    return fetch(this.url + path, { ...init, headers });
  }

  /** Starts a run as SSE and hands over its frames as they come. */
  async run(body: Record<string, unknown>): Promise<Stream> {
    const response = await this.fetch('/v1/run', {
      method: 'POST',
      body: JSON.stringify({ agent: 'worker', ...body }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return new Stream(response);
  }

  /** Takes up a run's events after `lastId`, as EventSource would. */
  async resume(runId: string, lastId: string): Promise<Stream> {
    const response = await this.fetch(`/v1/run/${runId}/events`, { headers: { 'last-event-id': lastId } });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return new Stream(response);
  }

  /** Waits until the run has ended and answers its record. */
  async ended(runId: string, ms = 20_000): Promise<Record<string, unknown>> {
    const deadline = Date.now() + ms;
    for (;;) {
      const record = await this.get(`/v1/run/${runId}`);
      if (['completed', 'failed', 'cancelled'].includes(String(record.status))) return record;
      if (Date.now() > deadline) throw new Error(`run ${runId} did not end: ${JSON.stringify(record)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #json(response: Response): Promise<Record<string, unknown>> {
    const body = (await response.json()) as { data?: Record<string, unknown> };
    if (!response.ok || body.data === undefined)
      throw new Error(`${response.status} ${JSON.stringify(body)}`);
    return body.data;
  }
}

/** Frames of one SSE answer, gathered as they come. */
export class Stream {
  readonly runId: string;
  readonly threadId: string;
  readonly frames: (Line & { id?: string })[] = [];
  /** Resolves when the answer has ended; rejects when the connection broke. */
  readonly ended: Promise<void>;

  constructor(response: Response) {
    this.runId = response.headers.get('x-run-id') ?? '';
    this.threadId = response.headers.get('x-thread-id') ?? '';
    this.ended = this.#read(response);
    this.ended.catch(() => {});
  }

  get types(): string[] {
    return this.frames.map((frame) => String(frame.type));
  }

  /** Durable events of one type. */
  payloads(type: string): Record<string, unknown>[] {
    return this.frames
      .filter((frame) => frame.type === type)
      .map((frame) => (frame.payload ?? {}) as Record<string, unknown>);
  }

  /** What a reader has of each message, by the reader's rule of the protocol. */
  texts(type = 'assistant_message_delta'): Map<string, string> {
    const texts = new Map<string, string>();
    for (const frame of this.frames) {
      if (frame.type !== type) continue;
      const id = String(frame.messageId);
      texts.set(id, (texts.get(id) ?? '').slice(0, Number(frame.offset)) + String(frame.text));
    }
    return texts;
  }

  async frame(fits: (frame: Line) => boolean, ms = 15_000): Promise<Line> {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`no such frame among ${JSON.stringify(this.types)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #read(response: Response): Promise<void> {
    const parser = createParser({
      onEvent: ({ data, id }) => {
        this.frames.push({ ...(JSON.parse(data) as Line), ...(id !== undefined && { id }) });
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
  }
}
