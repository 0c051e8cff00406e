import { existsSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DevicePaths } from '../device/paths.ts';
import type { Finding } from '../kit/finding.ts';
import type { ServiceDefinition } from '../service/definition.ts';
import { type Service, type ServiceState, tellLastExit, wasUnstartable } from '../service/ports.ts';

export interface ServiceWorld {
  service: Service;
  /** As this program would install it now. */
  definition: ServiceDefinition;
  paths: DevicePaths;
  version: string;
  /** What answers at the local door. */
  daemon: { pid: number; version: string; registered: boolean; doing: string } | undefined;
}

/** The service from outside: what is installed against what should be, and whether its daemon answers. */
export async function examineService(world: ServiceWorld): Promise<Finding[]> {
  const { service, daemon } = world;
  const state = await service.status();
  const installed = lookAtInstallation(world);
  const running = state.installed ? [lookAtProcess(world, state)] : [];
  return [
    ...installed,
    ...running,
    ...lookAtVersions(world),
    ...lookAtFolders(world),
    ...lookAtHand(daemon, state),
  ];
}

function lookAtInstallation({ service, definition, paths }: ServiceWorld): Finding[] {
  const title = 'Service';
  const installed = service.installed();
  if (installed === undefined) {
    const says = 'Not installed: the daemon runs only while somebody runs it.';
    return [{ code: 'service_none', title, severity: 'hint', says, todo: 'runmesh service install' }];
  }
  if (installed.folder === '') return [stale(`${service.file} is damaged.`)];
  if (installed.folder !== paths.home) {
    const says = `The service of this user is that of another device, in ${installed.folder}.`;
    return [{ code: 'service_other_home', title, severity: 'warning', says }];
  }
  const gone = installed.command.filter((part) => part.startsWith('/') && !existsSync(part));
  if (gone.length > 0) return [stale(`It runs ${gone.join(' and ')}, which is gone.`)];
  if (installed.text !== service.render(definition)) {
    return [stale(`${service.file} is not what this version, with this Node and this config, writes.`)];
  }
  return [{ code: 'service_file', title, severity: 'ok', says: `${service.file} fits this installation.` }];
}

function stale(says: string): Finding {
  const todo = 'runmesh service install';
  return { code: 'service_stale', title: 'Service', severity: 'fault', says, todo, fix: 'reinstall' };
}

function lookAtProcess({ daemon, service }: ServiceWorld, state: ServiceState): Finding {
  const title = 'Daemon';
  const broken = (code: string, says: string, todo: string): Finding => {
    return { code, title, severity: 'fault', says, todo, fix: 'reinstall' };
  };
  if (state.disabled)
    return broken('service_disabled', 'The service is disabled.', 'runmesh service install');
  if (!state.loaded)
    return broken('service_not_loaded', 'The system has not loaded it.', 'runmesh service start');
  if (!state.running) {
    const exit = tellLastExit(service.manager, state);
    const verb = wasUnstartable(service.manager, state.lastExitCode) ? 'install' : 'restart';
    return broken('service_down', `It does not run${exit ? `; ${exit}` : ''}.`, `runmesh service ${verb}`);
  }
  if (daemon === undefined) {
    const says = `It runs (pid ${state.pid}), but its daemon does not answer.`;
    return broken(
      'daemon_silent',
      says,
      'Read the end of service.log and daemon.log, then runmesh service restart',
    );
  }
  if (!daemon.registered) {
    const says = `It runs and is not registered with the mesh: ${daemon.doing}.`;
    return {
      code: 'daemon_unregistered',
      title,
      severity: 'fault',
      says,
      todo: 'Do what it says; else see the lines about the mesh.',
    };
  }
  if (state.domain?.startsWith('user/')) {
    const says = `It is registered, but runs in the background domain (${state.domain}): no Keychain prompts, no screen.`;
    const todo = 'Log in at the screen, then runmesh service install';
    return { code: 'service_background', title, severity: 'warning', says, todo };
  }
  return { code: 'daemon', title, severity: 'ok', says: `Registered, pid ${daemon.pid}.` };
}

function lookAtVersions({ daemon, version }: ServiceWorld): Finding[] {
  if (daemon === undefined || daemon.version === version) return [];
  const says = `The daemon is ${daemon.version}, this command is ${version}.`;
  return [{ code: 'version_differs', title: 'Version', severity: 'warning', says, todo: 'runmesh update' }];
}

function lookAtHand(daemon: ServiceWorld['daemon'], state: ServiceState): Finding[] {
  if (daemon === undefined || daemon.pid === state.pid) return [];
  const says = `A daemon (pid ${daemon.pid}) runs by hand${daemon.registered ? ' and is registered' : `: ${daemon.doing}`}.`;
  return [{ code: 'daemon_by_hand', title: 'Daemon', severity: state.installed ? 'warning' : 'hint', says }];
}

function lookAtFolders({ paths, service }: ServiceWorld): Finding[] {
  const open = [paths.home, paths.logs, paths.secrets].filter((path) => mode(path) & 0o077);
  const findings: Finding[] = open.map((path) => ({
    code: 'private_file_open',
    title: 'Files',
    severity: 'fault',
    says: `${path} is open to other users.`,
    todo: `chmod go-rwx "${path}"`,
    fix: 'private_files',
  }));
  const agents = dirname(service.file);
  if (service.manager === 'launchd' && mode(agents) & 0o022) {
    findings.push({
      code: 'agents_folder_open',
      title: 'Files',
      severity: 'fault',
      says: `${agents} can be written by others, and launchd refuses what is in it.`,
      todo: `chmod go-w "${agents}"`,
      fix: 'agents_folder',
    });
  }
  return findings;
}

function mode(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}
