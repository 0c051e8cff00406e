import { rm } from 'node:fs/promises';
import type { DeviceConfig } from '../device/config-schema.ts';
import { proxiesOf } from '../device/network.ts';
import type { DevicePaths } from '../device/paths.ts';
import { allowedAgentEnvironment } from '../guard/environment.ts';
import { narrowestLimits } from '../guard/limits.ts';
import type { Redactor } from '../guard/redact.ts';
import { runFolder } from '../guard/run-folder.ts';
import type { Clock } from '../kit/clock.ts';
import { messageOf } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { Random } from '../kit/random.ts';
import { startLeash } from '../leash/leash-client.ts';
import { createLeashPool } from '../leash/leash-pool.ts';
import { startProxyProcess } from '../leash/proxy-client.ts';
import { reapProcesses } from '../leash/reap.ts';
import type { Models } from '../models/step.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { RunHost } from '../runs/ports.ts';
import { RunSessions, sessionMark } from '../tools/exec/run-sessions.ts';
import { createToolbox, type Toolbox } from '../tools/registry.ts';
import { auditDenials } from './audit-denials.ts';
import { createRunWorkspaces } from './run-workspace.ts';

export interface RunHostOptions {
  /** Live. */
  config: DeviceConfig;
  paths: DevicePaths;
  env: Readonly<Record<string, string | undefined>>;
  homedir: string;
  platform: NodeJS.Platform;
  /** Where this program is installed: no run changes it. */
  program: readonly string[];
  models: Models;
  storedKey(provider: string): string | undefined;
  fetch: typeof fetch;
  redactor: Redactor;
  audit: RecordAudit;
  clock: Clock;
  random: Random;
  log: Log;
}

/** What a run works with on this machine, and the leash behind it. */
export interface OpenedHost {
  host: RunHost;
  toolbox: Toolbox;
  /** Starts the leash before the first command needs it. */
  warm(): Promise<void>;
  close(): Promise<void>;
}

export function createRunHost(options: RunHostOptions): OpenedHost {
  const { config, paths, env, platform, models, fetch, redactor, clock, random, log } = options;
  const leashes = createLeashPool({
    leash: () => startLeash({ log, temporary: paths.temporary }),
    proxies: (domains, onDenied) =>
      startProxyProcess(domains, {
        log,
        temporary: paths.temporary,
        onDenied,
        outer: outerProxy(config, env),
      }),
    newName: random.uuid,
    onDenied: auditDenials(options.audit, clock),
  });
  const sessions = new RunSessions(leashes.open, random, redactor);
  const workspaceOf = createRunWorkspaces(options);
  const toolbox = createToolbox({
    sessions,
    clock,
    random,
    environment: env,
    storedKey: options.storedKey,
    fetch,
    get shell() {
      return config.shell;
    },
    get webSearch() {
      return config.webSearch;
    },
  });
  return {
    toolbox,
    warm: leashes.warm,
    close: leashes.close,
    host: {
      models,
      platform,
      prepare: (order) => ({ tools: toolbox.select(order.agent.tools), workspace: workspaceOf(order) }),
      agentEnvironment: ({ agent }) => allowedAgentEnvironment(agent.env, config.environment.allow),
      limits: (order) => narrowestLimits(config.limits, order.agent.limits, order.config.limits),
      price: (model) =>
        Object.hasOwn(config.models.prices, model) ? config.models.prices[model] : undefined,
      measure: (runId) => sessions.measure(runId, clock.monotonic()),
      leftSandbox: (runId, sessionId) => sessions.leftSandbox(runId, sessionId),
      endCommands: (runId) => sessions.endRun(runId),
      removeFiles: async (runId) => {
        await rm(runFolder(paths.temporary, runId), { recursive: true, force: true }).catch((error) =>
          log.warn({ runId, reason: messageOf(error) }, 'a run’s temporary folder could not be removed'),
        );
      },
      reap: async (processes) => {
        const marked = processes.map((one) => ({ ...one, mark: sessionMark(one.runId, one.sessionId) }));
        const ended = await reapProcesses(marked);
        log.info({ ended }, 'commands of the last process were ended');
      },
    },
  };
}

/** The owner's own proxy, by the names that programs know it by. */
function outerProxy({ network }: DeviceConfig, env: RunHostOptions['env']): Record<string, string> {
  const { secure, plain, except } = proxiesOf(network, env);
  const found = { HTTPS_PROXY: secure, HTTP_PROXY: plain, NO_PROXY: except };
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
