import type { DeviceConfig } from '../device/config-schema.ts';
import { allowedAgentEnvironment } from '../guard/environment.ts';
import { narrowestLimits } from '../guard/limits.ts';
import type { Redactor } from '../guard/redact.ts';
import { openWorkspace } from '../guard/workspaces.ts';
import type { Clock } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import type { Random } from '../kit/random.ts';
import type { Leash } from '../leash/leash.ts';
import { startLeash } from '../leash/leash-client.ts';
import { reapProcesses } from '../leash/reap.ts';
import type { Models } from '../models/step.ts';
import type { RunHost } from '../runs/ports.ts';
import { RunSessions, sessionMark } from '../tools/exec/run-sessions.ts';
import { createToolbox, type Toolbox } from '../tools/registry.ts';

export interface RunHostOptions {
  /** Live. */
  config: DeviceConfig;
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  models: Models;
  fetch: typeof fetch;
  redactor: Redactor;
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

export function createRunHost({
  config,
  env,
  platform,
  models,
  fetch,
  redactor,
  clock,
  random,
  log,
}: RunHostOptions): OpenedHost {
  let leash: Promise<Leash> | undefined;
  const openLeash = async (): Promise<Leash> => {
    const current = await leash?.catch(() => undefined);
    if (current?.alive) return current;
    leash = startLeash({ log });
    return leash;
  };
  const sessions = new RunSessions(openLeash, random, redactor);
  const toolbox = createToolbox({
    sessions,
    clock,
    random,
    environment: env,
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
    warm: async () => {
      await openLeash();
    },
    close: async () => {
      const current = await leash?.catch(() => undefined);
      await current?.close();
    },
    host: {
      models,
      platform,
      prepare: ({ agent, metadata }) => ({
        tools: toolbox.select(agent.tools),
        workspace: openWorkspace(config.workspaces, metadata.workspace),
      }),
      agentEnvironment: ({ agent }) => allowedAgentEnvironment(agent.env, config.environment.allow),
      limits: (order) => narrowestLimits(config.limits, order.agent.limits, order.config.limits),
      price: (model) =>
        Object.hasOwn(config.models.prices, model) ? config.models.prices[model] : undefined,
      measure: (runId) => sessions.measure(runId, clock.monotonic()),
      endCommands: (runId) => sessions.endRun(runId),
      reap: async (processes) => {
        const marked = processes.map((one) => ({ ...one, mark: sessionMark(one.runId, one.sessionId) }));
        const ended = await reapProcesses(marked);
        log.info({ ended }, 'commands of the last process were ended');
      },
    },
  };
}
