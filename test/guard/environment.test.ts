import { describe, expect, it } from 'vitest';
import { allowedAgentEnvironment, commandEnvironment } from '../../src/guard/environment.ts';

const own = {
  PATH: '/bin',
  HOME: '/home/a',
  LC_ALL: 'C',
  ANTHROPIC_API_KEY: 'secret',
  OPENAI_API_KEY: 'secret',
  RUNTOOLS_API_KEY: 'secret',
  RUNMESH_HOME: '/x',
  GITHUB_TOKEN: 'secret',
  AWS_SECRET_ACCESS_KEY: 'secret',
  LD_PRELOAD: '/evil.so',
  NODE_OPTIONS: '--require /evil.js',
  SSH_AUTH_SOCK: '/agent',
};

describe('a command’s environment', () => {
  it('has what a program needs, and nothing of the daemon’s keys, tokens or variables', () => {
    const built = commandEnvironment({ own, agent: {}, interactive: false, temporary: '/tmp/run' });
    expect(built).toMatchObject({ PATH: '/bin', HOME: '/home/a', LC_ALL: 'C', TERM: 'dumb', PAGER: 'cat' });
    expect(JSON.stringify(built)).not.toMatch(/secret|evil|agent|\/x/);
  });

  it('lets an agent set only what the owner allows, and nothing that loads code', () => {
    const asked = {
      CI: '1',
      STAGE: 'dev',
      LD_PRELOAD: '/e',
      NODE_OPTIONS: 'x',
      GIT_SSH_COMMAND: 'x',
      RUNMESH_SESSION: 'x',
    };
    expect(allowedAgentEnvironment(asked, ['STAGE', ...Object.keys(asked).slice(2)])).toEqual({
      STAGE: 'dev',
    });
    expect(allowedAgentEnvironment(undefined, ['STAGE'])).toEqual({});
  });

  it('is dressed for a person only where one could sit', () => {
    expect(commandEnvironment({ own, agent: {}, interactive: true, temporary: '/tmp/run' })).toMatchObject({
      TERM: 'xterm-256color',
    });
  });
});
