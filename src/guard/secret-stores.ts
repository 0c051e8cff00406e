import { join } from 'node:path';

/** Where this machine keeps things. */
export interface Places {
  /** The owner's home folder. */
  home: string;
  platform: string;
  /** Folders and files of this program that no run may see: its state, its logs, its door. */
  own: readonly string[];
  /** Where this program is installed. What it runs may be read but never changed by a run. */
  program: readonly string[];
}

/**
 * Where keys, tokens, passwords, cookies and typed commands are kept: of the tools people commonly have, as their
 * documentation names the places. A run reads none of it unless the owner opens one by `sandbox.readable`.
 */
export function storesOfSecrets({ home, platform, own }: Places): string[] {
  const inHome = platform === 'darwin' ? [...EVERYWHERE, ...ON_MACOS] : [...EVERYWHERE, ...ON_LINUX];
  const ofSystem = platform === 'darwin' ? ['/Library/Keychains', '/private/var/db/dslocal'] : OF_LINUX;
  return [...inHome.map((path) => join(home, path)), ...ofSystem, ...own];
}

/** What a login, a shell or this program would run later as the owner. */
export function startUpPaths({ home, platform, program }: Places): string[] {
  const more = platform === 'darwin' ? ['Library/LaunchAgents'] : STARTED_ON_LINUX;
  return [...[...SHELL_START_UP, ...ON_THE_PATH, ...more].map((path) => join(home, path)), ...program];
}

/** Where programs are found before the system's own, on many machines. */
const ON_THE_PATH = ['bin', '.local/bin', '.cargo/bin'];

const STARTED_ON_LINUX = [
  '.config/systemd',
  '.local/share/systemd',
  '.config/environment.d',
  '.config/autostart',
  '.xinitrc',
  '.xsession',
  '.xsessionrc',
];

/** Read by a shell or by git when they start, wherever the home folder is. */
export const SHELL_START_UP = [
  '.bashrc',
  '.bash_profile',
  '.bash_login',
  '.bash_logout',
  '.profile',
  '.zshrc',
  '.zshenv',
  '.zprofile',
  '.zlogin',
  '.zlogout',
  '.kshrc',
  '.inputrc',
  '.config/fish',
  '.config/zsh',
  '.gitconfig',
  '.config/git',
  '.xprofile',
  '.pam_environment',
];

const EVERYWHERE = [
  '.ssh',
  '.aws',
  '.azure',
  '.config/gcloud',
  '.config/doctl',
  '.config/rclone',
  '.oci',
  '.fly',
  '.kube',
  '.docker/config.json',
  '.gnupg',
  '.password-store',
  '.config/op',
  '.config/gh',
  '.config/hub',
  '.config/glab-cli',
  '.git-credentials',
  '.config/git/credentials',
  '.netrc',
  '.npmrc',
  '.yarnrc.yml',
  '.pypirc',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.gem/credentials',
  '.m2/settings.xml',
  '.gradle/gradle.properties',
  '.terraform.d/credentials.tfrc.json',
  '.vault-token',
  '.pgpass',
  '.my.cnf',
  '.s3cfg',
  '.boto',
  '.claude/.credentials.json',
  '.codex/auth.json',
  '.gemini',
  '.bash_history',
  '.zsh_history',
  '.zsh_sessions',
  '.local/share/fish/fish_history',
  '.node_repl_history',
  '.python_history',
  '.psql_history',
  '.mysql_history',
  '.sqlite_history',
  '.viminfo',
  '.lesshst',
  '.mozilla',
];

const ON_LINUX = [
  '.local/share/keyrings',
  '.local/share/kwalletd',
  '.config/google-chrome',
  '.config/chromium',
  '.config/BraveSoftware',
  '.config/microsoft-edge',
  '.config/vivaldi',
  '.config/opera',
  '.config/Slack',
  '.config/discord',
  '.thunderbird',
  'snap/firefox',
  'snap/chromium',
  '.var/app',
];

const ON_MACOS = [
  'Library/Keychains',
  'Library/Cookies',
  'Library/Mail',
  'Library/Messages',
  'Library/Safari',
  'Library/Containers/com.apple.Safari',
  'Library/Application Support/Google/Chrome',
  'Library/Application Support/Chromium',
  'Library/Application Support/BraveSoftware',
  'Library/Application Support/Microsoft Edge',
  'Library/Application Support/Arc',
  'Library/Application Support/Vivaldi',
  'Library/Application Support/com.operasoftware.Opera',
  'Library/Application Support/Firefox',
  'Library/Application Support/Slack',
  'Library/Application Support/discord',
  'Library/Application Support/com.apple.TCC',
  'Library/Group Containers/2BUA8C4S2C.com.1password',
];

/** A device that runs as root could read them. */
const OF_LINUX = ['/etc/shadow', '/etc/gshadow', '/etc/sudoers', '/etc/sudoers.d', '/run/secrets'];
