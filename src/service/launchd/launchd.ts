import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RunmeshError } from '../../kit/errors.ts';
import { SERVICE_LABEL } from '../definition.ts';
import { notInstalled, type Service, type ServiceOptions, type ServiceState } from '../ports.ts';
import { createLaunchctl } from './launchctl.ts';
import { createLoader } from './load-job.ts';
import { readPlist, renderPlist, type SessionType, withSession } from './render-plist.ts';
import { prepareAgentsFolder, writePlist } from './write-plist.ts';

/**
 * A LaunchAgent. It lives in `gui/UID`, where the Keychain and the screen are; without a login at the screen (over SSH)
 * in `user/UID`. Everything here waits for launchd to say so itself, since `bootout` only begins what it names.
 */
export function createLaunchdService({ homedir, uid, run, clock }: ServiceOptions): Service {
  const file = join(homedir, 'Library', 'LaunchAgents', `${SERVICE_LABEL}.plist`);
  const launchctl = createLaunchctl(run, SERVICE_LABEL);
  const loader = createLoader({ launchctl, run, clock, file });
  const [gui, user] = [`gui/${uid}`, `user/${uid}`];

  const sessionOf = (domain: string): SessionType => (domain === user ? 'Background' : 'Aqua');

  /** The domain the job is in; `gui` where in neither and there is a login at the screen. */
  const locate = async (): Promise<{ domain: string; loaded: boolean }> => {
    for (const domain of [gui, user]) if (await launchctl.readJob(domain)) return { domain, loaded: true };
    return { domain: (await launchctl.hasDomain(gui)) ? gui : user, loaded: false };
  };

  const loadInto = async (domain: string, write: (domain: string) => void): Promise<string[]> => {
    write(domain);
    const outcome = await loader.load(domain);
    if (outcome === 'loaded') return domain === user ? [NO_SESSION + LOST_IN_BACKGROUND] : [];
    write(user);
    await loader.loadOrThrow(user);
    return [(outcome === 'no_session' ? NO_SESSION : UNEXPLAINED) + LOST_IN_BACKGROUND];
  };

  return {
    manager: 'launchd',
    file,
    render: (definition) => renderPlist(definition, 'Aqua'),

    install: async (definition) => {
      prepareAgentsFolder(file);
      const before = read(file);
      const write = (domain: string) => writePlist(file, renderPlist(definition, sessionOf(domain)));
      const target = (await launchctl.hasDomain(gui)) ? gui : user;
      const unchanged = before === renderPlist(definition, sessionOf(target));
      for (const domain of [gui, user]) {
        if ((await launchctl.readJob(domain)) === undefined) continue;
        // launchd reads the file once, when it is loaded.
        if (domain !== target || !unchanged) await loader.unload(domain);
      }
      return loadInto(target, write);
    },

    uninstall: async () => {
      const there = existsSync(file);
      for (const domain of [gui, user]) if (await launchctl.readJob(domain)) await loader.unload(domain);
      // A disabled override outlives the job, and would silently stop whoever installs it next.
      if (await launchctl.isDisabled(gui)) await launchctl.enable(gui);
      if (await launchctl.isDisabled(user)) await launchctl.enable(user);
      rmSync(file, { force: true });
      return there ? [] : ['It was not installed.'];
    },

    start: async () => {
      const text = readWhole(file);
      const { domain, loaded } = await locate();
      if (loaded && (await launchctl.readJob(domain))?.pid) return ['It runs already.'];
      return loadInto(domain, (into) => writePlist(file, withSession(text, sessionOf(into))));
    },

    stop: async () => {
      if (!existsSync(file)) throw notInstalled(file);
      const { domain, loaded } = await locate();
      if (!loaded) return ['It did not run.'];
      await loader.unload(domain);
      return ['It starts again at your next login, or with `runmesh service start`.'];
    },

    restart: async () => {
      const text = readWhole(file);
      const { domain } = await locate();
      return loadInto(domain, (into) => writePlist(file, withSession(text, sessionOf(into))));
    },

    status: async (): Promise<ServiceState> => {
      const { domain, loaded } = await locate();
      const job = loaded ? await launchctl.readJob(domain) : undefined;
      return {
        installed: existsSync(file),
        loaded,
        disabled: await launchctl.isDisabled(domain),
        running: typeof job?.pid === 'number',
        pid: job?.pid ?? null,
        lastExitCode: job?.lastExitCode ?? null,
        domain: loaded ? domain : null,
      };
    },

    installed: () => {
      const text = read(file);
      return text === undefined ? undefined : readPlist(text);
    },
  };
}

function read(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** What is written back for another session must be all there: of a binary list, as text, nothing would be left. */
function readWhole(file: string): string {
  const text = read(file);
  if (text === undefined) throw notInstalled(file);
  if (readPlist(text).folder !== '') return text;
  throw new RunmeshError(
    'service_file_damaged',
    `${file} is damaged. Run \`runmesh service install\`, which writes it anew.`,
  );
}

const NO_SESSION = 'Nobody is logged in at the screen of this Mac';
const UNEXPLAINED =
  'launchd does not take the service into the login session (error 5, for no reason it gives)';
const LOST_IN_BACKGROUND =
  ', so it runs in the background domain: the Keychain cannot ask there, and tools have no screen. Log in at the screen and run `runmesh service install` again to have both.';
