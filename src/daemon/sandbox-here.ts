import { whyNoSandbox } from '../leash/sandbox-probe.ts';

/** Why commands cannot be confined on this machine, and what to do about it; `undefined` where they can. */
export function whyUnconfined(platform: NodeJS.Platform): string | undefined {
  return whyNoSandbox(platform);
}
