import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { RunmeshError } from '../../kit/errors.ts';
import { notInstalled, type Service, type ServiceOptions, type ServiceState } from '../ports.ts';
import { readUnit, renderUnit } from './render-unit.ts';
import { createSystemctl } from './systemctl.ts';

/** A unit of the user's own systemd. It ends at logout unless the user lingers, which `install` says. */
export function createSystemdService({ homedir, env, run, uid }: ServiceOptions): Service {
  const config = env.XDG_CONFIG_HOME;
  const base = config && isAbsolute(config) ? config : join(homedir, '.config');
  const file = join(base, 'systemd', 'user', UNIT);
  const systemctl = createSystemctl(run, UNIT);

  const must = (): void => {
    if (!existsSync(file)) throw notInstalled(file);
  };

  return {
    manager: 'systemd',
    file,
    render: renderUnit,

    install: async (definition) => {
      // Before anything is written: without a user's systemd there is nothing to install into.
      await systemctl.show();
      const text = renderUnit(definition);
      mkdirSync(dirname(file), { recursive: true });
      if (read(file) !== text) writeFileSync(file, text, { mode: 0o644 });
      await systemctl.reload();
      await systemctl.do('enable');
      await systemctl.do('restart');
      return (await lingers(uid)) ? [] : [NO_LINGER];
    },

    uninstall: async () => {
      if (!existsSync(file)) return ['It was not installed.'];
      await systemctl.do('disable', '--now');
      rmSync(file, { force: true });
      await systemctl.reload();
      return [];
    },

    start: async () => {
      must();
      const { ActiveState } = await systemctl.show();
      if (ActiveState === 'active') return ['It runs already.'];
      await systemctl.do('enable');
      await systemctl.do('start');
      return [];
    },

    stop: async () => {
      must();
      const { ActiveState } = await systemctl.show();
      if (ActiveState === 'inactive') return ['It did not run.'];
      await systemctl.do('stop');
      return ['It starts again at your next login, or with `runmesh service start`.'];
    },

    restart: async () => {
      must();
      await systemctl.do('restart');
      return [];
    },

    status: async (): Promise<ServiceState> => {
      const shown = await systemctl.show();
      const pid = Number(shown.MainPID);
      const loaded = shown.LoadState === 'loaded';
      return {
        installed: existsSync(file),
        loaded: loaded && shown.UnitFileState === 'enabled',
        disabled: loaded && shown.UnitFileState !== 'enabled',
        running: pid > 0,
        pid: pid > 0 ? pid : null,
        lastExitCode: endedByItself(shown) ? Number(shown.ExecMainStatus) : null,
        domain: loaded ? 'systemd --user' : null,
      };
    },

    installed: () => {
      const text = read(file);
      return text === undefined ? undefined : readUnit(text);
    },
  };

  /** `loginctl show-user` refuses a user who is not logged in; that user does not linger either. */
  async function lingers(user: number): Promise<boolean> {
    const { stdout } = await run('loginctl', [
      'show-user',
      String(user),
      '--property=Linger',
      '--value',
    ]).catch((error: unknown) => {
      if (error instanceof RunmeshError && error.code === 'command_missing') return { stdout: 'yes' };
      throw error;
    });
    return stdout.trim() === 'yes';
  }
}

/** `ExecMainCode` is `CLD_EXITED` (1) where the process exited, and another where a signal ended it. */
function endedByItself({ ExecMainCode, ExecMainExitTimestampMonotonic }: Record<string, string>): boolean {
  return ExecMainCode === '1' && ExecMainExitTimestampMonotonic !== '0';
}

function read(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

const UNIT = 'runmesh-agent.service';
const NO_LINGER =
  'It runs while you are logged in. To have it from the start of this machine, and after you log out: loginctl enable-linger';
