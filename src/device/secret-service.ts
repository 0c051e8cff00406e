import { execFile } from 'node:child_process';
import type { Environment } from './paths.ts';

/**
 * Whether the Secret Service's default collection is locked, asked over D-Bus without opening a prompt; `undefined`
 * where that cannot be told (no `dbus-send`, no bus, no such service).
 */
export function secretServiceLocked(env: Environment): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    execFile('dbus-send', QUESTION, { timeout: ANSWER_MS, env }, (error, stdout) => {
      const answer = /boolean (true|false)/.exec(stdout)?.[1];
      resolve(error !== null || answer === undefined ? undefined : answer === 'true');
    });
  });
}

/** https://specifications.freedesktop.org/secret-service-spec, the property `Locked` of a collection. */
const QUESTION = [
  '--session',
  '--print-reply',
  '--dest=org.freedesktop.secrets',
  '/org/freedesktop/secrets/aliases/default',
  'org.freedesktop.DBus.Properties.Get',
  'string:org.freedesktop.Secret.Collection',
  'string:Locked',
];
const ANSWER_MS = 5_000;
