import { fileURLToPath } from 'node:url';
import { startControlServer } from '../control/server.ts';
import { type ControlParts, controlPorts } from './control-ports.ts';

/** Opens the local door. Throws `already_running`, `socket_taken` and `socket_folder_unsafe`. */
export function openControl(parts: ControlParts): ReturnType<typeof startControlServer> {
  const { paths, log, clock, random } = parts.device;
  return startControlServer({
    socketPath: paths.socket,
    log,
    page: { clock, random, files: PAGE_FILES, opener: paths.opener },
    ports: controlPorts(parts),
  });
}

/** Made by the build. */
const PAGE_FILES = fileURLToPath(new URL('../../dist/control/page/files', import.meta.url));
