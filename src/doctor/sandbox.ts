import type { Finding } from '../kit/finding.ts';
import type { DoctorWorld } from './world.ts';

/**
 * Whether commands are confined as this device's config has it: what a run would meet. Where the config lets them go
 * unconfined, that is a warning and no fault, since its owner said so.
 */
export async function lookAtSandbox(world: SandboxWorld): Promise<Finding[]> {
  const { mode, network, unavailable } = world.config.sandbox;
  if (mode === 'danger-full-access') {
    const says = 'Runs are not confined: they may do all that you may (sandbox.mode is danger-full-access).';
    return [warning('sandbox_off', says, 'runmesh config set sandbox.mode workspace-write')];
  }
  const why = await whyNone(world);
  if (why !== undefined) {
    if (unavailable === 'run-unsandboxed') {
      const says = `There is none, so runs do all that you may (sandbox.unavailable is run-unsandboxed): ${why}`;
      return [warning('sandbox_missing', says, 'Mend it, then: runmesh config unset sandbox.unavailable')];
    }
    return [fault('sandbox_missing', `There is none, so no run is started: ${why}`, MEND)];
  }
  if (Array.isArray(network) && world.platform === 'linux' && world.systemProgram('socat') === undefined) {
    const says =
      'sandbox.network is a list of domains, which needs socat, and that is not among the system’s programs.';
    return [fault('sandbox_proxy_missing', says, 'sudo apt-get install socat (or your system’s package)')];
  }
  const reach = { off: 'no network', on: 'the whole network' };
  const net = Array.isArray(network)
    ? `${network.length} ${network.length === 1 ? 'domain' : 'domains'} of the network`
    : reach[network];
  const says = `It holds: ${mode}, ${net}.`;
  return [{ code: 'sandbox', title: TITLE, severity: 'ok', says }];
}

type SandboxWorld = Pick<DoctorWorld, 'platform' | 'run' | 'config' | 'whyUnconfined' | 'systemProgram'>;

/** On a Mac the program alone is not enough: inside another sandbox it refuses to make one. */
async function whyNone({ platform, run, whyUnconfined }: SandboxWorld): Promise<string | undefined> {
  const why = whyUnconfined();
  if (why !== undefined || platform !== 'darwin') return why;
  const { exitCode, stderr } = await run('/usr/bin/sandbox-exec', SEATBELT);
  if (exitCode === 0) return undefined;
  const said = stderr.trim().split('\n')[0] || `exit ${exitCode}`;
  return `sandbox-exec does not work here (${said}). Start the daemon outside of any other sandbox.`;
}

function warning(code: string, says: string, todo: string): Finding {
  return { code, title: TITLE, severity: 'warning', says, todo };
}

function fault(code: string, says: string, todo: string): Finding {
  return { code, title: TITLE, severity: 'fault', says, todo };
}

const TITLE = 'Sandbox';
const SEATBELT = ['-p', '(version 1)(allow default)', '/usr/bin/true'];
const MEND =
  'Mend it; or, if you mean runs to do all that you may: runmesh config set sandbox.unavailable run-unsandboxed';
