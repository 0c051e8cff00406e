/** What a command's environment is made of. */
export interface EnvironmentParts {
  /** The daemon's own, of which only the names below pass. */
  own: Readonly<Record<string, string | undefined>>;
  /** The agent definition's, of which only allowed names pass. */
  agent: Readonly<Record<string, string>>;
  /** Whether a person could sit at the terminal: colours and pagers make sense only then. */
  interactive: boolean;
  /** The run's own folder for temporary files. Caches go there as well: the owner's are not writable. */
  temporary: string;
}

/**
 * A command's whole environment, built up from nothing: provider keys, tokens and the daemon's own variables are not
 * removed from it, they never come in. What an agent sets may not change what the owner's programs load or run.
 */
export function commandEnvironment({
  own,
  agent,
  interactive,
  temporary,
}: EnvironmentParts): Record<string, string> {
  const built: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && PASSED.test(name)) built[name] = value;
  }
  built.PATH ??= '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
  built.LANG ??= 'C.UTF-8';
  built.TMPDIR = temporary;
  return { ...built, ...(interactive ? AT_A_TERMINAL : UNATTENDED), ...agent };
}

/** The agent's variables that the owner allows, without those that would load code into every program. */
export function allowedAgentEnvironment(
  agent: Readonly<Record<string, string>> | undefined,
  allow: readonly string[],
): Record<string, string> {
  const entries = Object.entries(agent ?? {});
  return Object.fromEntries(entries.filter(([name]) => allow.includes(name) && !LOADS_CODE.test(name)));
}

const PASSED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|XDG_(CONFIG|DATA|CACHE|STATE)_HOME|HOMEBREW_PREFIX)$/;

/** What a shell, a linker or a language's runtime loads or runs, where programs are found, and who is spoken to. */
const LOADS_CODE = new RegExp(
  `^(${[
    'LD_.*|DYLD_.*|GCONV_PATH|GLIBC_TUNABLES|LOCPATH|NLSPATH|MALLOC_.*',
    'BASH_.*|ENV|ZDOTDIR|PROMPT_COMMAND|PS4|IFS|CDPATH|GLOBIGNORE|SHELLOPTS|BASHOPTS|PATH|HOME|SHELL|TMPDIR|XDG_.*',
    'GIT_.*|SSH_.*|GPG_.*|EDITOR|VISUAL|.*PAGER|BROWSER|LESS(OPEN|CLOSE|KEY)|WGETRC|CURL_HOME',
    'NODE_(OPTIONS|PATH|EXTRA_CA_CERTS|REPL_EXTERNAL_MODULE)|ELECTRON_RUN_AS_NODE|NPM_.*|YARN_.*|PNPM_.*|COREPACK_.*',
    'PERL.*|PYTHON.*|PIP_.*|RUBY.*|GEM_.*|BUNDLE_.*|LUA_.*|PHP.*|CLASSPATH|_?J(AVA|DK)_.*|MAVEN_.*|GRADLE_.*|DOTNET_.*|CORECLR_.*',
    '.*_PROXY|SSL_CERT_.*|RUNMESH_.*|RUNTOOLS_.*',
  ].join('|')})$`,
  'i',
);

const UNATTENDED = {
  TERM: 'dumb',
  NO_COLOR: '1',
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: 'true',
  NPM_CONFIG_UPDATE_NOTIFIER: 'false',
};

const AT_A_TERMINAL = { TERM: 'xterm-256color', COLORTERM: 'truecolor' };
