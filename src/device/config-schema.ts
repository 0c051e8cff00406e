import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { approvalOpens } from '../protocol/approvals.ts';
import { modelsConfig, NO_MODELS_CONFIG } from '../protocol/models-config.ts';
import { runLimits } from '../protocol/run-limits.ts';
import { sandboxMode, sandboxNetwork } from '../protocol/sandbox.ts';
import { webSearchConfig } from '../protocol/tools-config.ts';

const workspaceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'a workspace name: letters, digits, - and _, at most 64');

const absolutePath = z.string().refine(isAbsolute, 'expected an absolute path');

/** Beyond what honest work takes, below what harms the machine. */
const deviceLimits = runLimits.extend({
  wallMs: runLimits.shape.wallMs.unwrap().default(86_400_000),
  processes: runLimits.shape.processes.unwrap().default(512),
  outputBytes: runLimits.shape.outputBytes.unwrap().default(1_073_741_824),
  diskBytes: runLimits.shape.diskBytes.unwrap().default(21_474_836_480),
});

/** `~/` is the owner's home. A sandbox knows paths and no patterns, so a name with one's characters is refused. */
const pathFromHome = z
  .string()
  .refine((path) => isAbsolute(path) || path.startsWith('~/'), 'expected an absolute path, or one from ~/')
  .refine((path) => !/[*?[\]\0]/.test(path), 'a path without *, ? or brackets');

/** What runs may touch on this device. A run may ask for less (`metadata.sandbox`), never for more. */
export const sandboxConfig = z.strictObject({
  mode: sandboxMode.default('workspace-write'),
  network: sandboxNetwork.default('off'),
  /** Stores of secrets that runs may read all the same. */
  readable: z.array(pathFromHome).default([]),
  /** Folders besides the workspace that runs may change. */
  writable: z.array(pathFromHome).default([]),
  /** What becomes of runs where this machine has no sandbox. */
  unavailable: z.enum(['refuse', 'run-unsandboxed']).default('refuse'),
});

const approvalsConfig = z.strictObject({
  /**
   * `on-request`: where the model asks to leave the sandbox. `untrusted`: before all that is not known to only read. `never`:
   * nothing is asked, and nothing leaves the sandbox.
   */
  policy: z.enum(['never', 'on-request', 'untrusted']).default('on-request'),
  /** How long a question waits; then the answer is no. */
  timeoutMs: z.int().min(1_000).max(86_400_000).default(600_000),
  /** Questions of one run; the answer to further ones is no. */
  mostAsked: z.int().min(1).max(1_000).default(20),
  /** Whether somebody may answer over the mesh, with a key of the scope `agent:approve`. */
  fromMesh: z.boolean().default(false),
  /** Whether a window asks, on macOS. */
  dialog: z.boolean().default(true),
  /** Commands that are not asked about any more, by their first words. */
  allow: z
    .array(
      z.strictObject({ prefix: z.array(z.string().min(1)).min(1), opens: approvalOpens.default('nothing') }),
    )
    .default([]),
});

/** The mesh this device is linked to. Written by `link`, erased by `unlink`. */
export const meshPin = z.strictObject({
  /** Where the device dials, as given to `link`. */
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
  /** Its origin, which every signature of this device names. */
  origin: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
  deviceId: z.string().min(1),
  orgId: z.string().min(1),
  meshEpoch: z.string().min(1),
  /** Linked with `--insecure`: what is said travels in the clear. */
  insecure: z.literal(true).optional(),
});
export type MeshPin = z.infer<typeof meshPin>;

/** `config.json`. Strict: a key that nobody reads is an error, not a silent nothing. */
export const deviceConfig = z.strictObject({
  /** The name the owner sees; the host's name where there is none. */
  deviceLabel: z.string().min(1).max(100).optional(),
  mesh: meshPin.optional(),
  /** Name to folder. A run without `metadata.workspace` works in `default`. */
  workspaces: z.record(workspaceName, absolutePath).default({}),
  maxConcurrentRuns: z.int().min(1).max(16).default(2),
  /** Deaths of the daemon at one step of a run after which the run fails, so that a poisonous one cannot loop it. */
  maxAttempts: z.int().min(1).max(10).default(3),
  /** How long a stopping daemon lets the running step finish. launchd's `ExitTimeOut` must be longer. */
  drainMs: z.int().min(0).max(600_000).default(20_000),
  /** How long acknowledged runs stay in the journal. */
  retentionDays: z.int().min(1).max(3_650).default(30),
  power: z
    .strictObject({
      /** While a run is at work the machine is kept from idle sleep: `ac` only on mains, `always`, or `never`. */
      keepAwake: z.enum(['ac', 'always', 'never']).default('ac'),
    })
    .default({ keepAwake: 'ac' }),
  /** The daemon's log: a file of this size is rotated, and this many older ones stay. */
  logs: z
    .strictObject({
      maxMegabytes: z.int().min(1).max(1_000).default(10),
      kept: z.int().min(1).max(50).default(5),
    })
    .default({ maxMegabytes: 10, kept: 5 }),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  environment: z
    .strictObject({
      /** Names of variables that an agent's own `env` may set for its commands. */
      allow: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name')).default([]),
    })
    .default({ allow: [] }),
  /** The way out of this machine, where it is not a direct one. */
  network: z
    .strictObject({
      /** For everything but loopback; the environment's `HTTPS_PROXY` and `HTTP_PROXY` where it is not set. */
      proxy: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
      /** Whom to reach without it, as in `NO_PROXY`: `internal.example, 10.0.0.0/8`. */
      noProxy: z.string().optional(),
      /** PEM certificates of a CA that is trusted beside the usual ones. */
      caFile: absolutePath.optional(),
    })
    .default({}),
  sandbox: sandboxConfig.prefault({}),
  /** Calls that are for the owner to decide. */
  approvals: approvalsConfig.prefault({}),
  models: modelsConfig.default(NO_MODELS_CONFIG),
  /** The most that one run may use; agents and runs may ask for less. */
  limits: deviceLimits.default(deviceLimits.parse({})),
  /** Who answers the `web_search` tool; without it the tool says that nobody does. */
  webSearch: webSearchConfig.optional(),
  /** The shell of `exec_command`; the user's own where there is none. */
  shell: absolutePath.optional(),
});
export type DeviceConfig = z.infer<typeof deviceConfig>;
