import { RunmeshError } from '../kit/errors.ts';
import { createLaunchdService } from './launchd/launchd.ts';
import type { Service, ServiceOptions } from './ports.ts';
import { createSystemdService } from './systemd/systemd.ts';

/** The service manager of this system. Throws `service_unsupported` where there is none that we know. */
export function openService(options: ServiceOptions): Service {
  if (options.platform === 'darwin') return createLaunchdService(options);
  if (options.platform === 'linux') return createSystemdService(options);
  throw new RunmeshError(
    'service_unsupported',
    `There is no service for ${options.platform}: only launchd (macOS) and systemd (Linux). Run \`runmesh daemon\` instead.`,
  );
}
