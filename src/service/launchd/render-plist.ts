import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installFolder } from '../../kit/version.ts';
import type { ServiceDefinition } from '../definition.ts';
import type { InstalledService } from '../ports.ts';

/** Where the job may live: with the logged-in user's windows and Keychain, or without. */
export type SessionType = 'Aqua' | 'Background';

/** The property list of a definition, from the template in `launchd/`. */
export function renderPlist(definition: ServiceDefinition, sessionType: SessionType): string {
  const template = readFileSync(join(installFolder(), 'launchd', 'ai.runmesh.agent.plist'), 'utf8');
  const values: Record<string, string> = {
    label: string(definition.label),
    programArguments: array(definition.command),
    environment: dictionary(definition.environment),
    folder: string(definition.folder),
    sessionType: string(sessionType),
    exitTimeOut: `<integer>${definition.exitTimeOutSeconds}</integer>`,
    outputFile: string(definition.outputFile),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

/** What a property list of ours says. */
export function readPlist(text: string): InstalledService {
  const array = /<key>ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/.exec(text)?.[1] ?? '';
  const folder = /<key>WorkingDirectory<\/key>\s*<string>([\s\S]*?)<\/string>/.exec(text)?.[1] ?? '';
  return {
    command: [...array.matchAll(/<string>([\s\S]*?)<\/string>/g)].map((match) => unescapeXml(match[1] ?? '')),
    folder: unescapeXml(folder),
    text: withSession(text, 'Aqua'),
  };
}

/** The same property list for the other kind of session. */
export function withSession(text: string, sessionType: SessionType): string {
  return text.replace(/(<key>LimitLoadToSessionType<\/key>\s*<string>)\w+/, `$1${sessionType}`);
}

function string(text: string): string {
  return `<string>${escapeXml(text)}</string>`;
}

function array(texts: readonly string[]): string {
  return ['<array>', ...texts.map((text) => `    ${string(text)}`), '  </array>'].join('\n');
}

function dictionary(entries: Readonly<Record<string, string>>): string {
  const lines = Object.entries(entries).flatMap(([key, value]) => [
    `    <key>${escapeXml(key)}</key>`,
    `    ${string(value)}`,
  ]);
  return ['<dict>', ...lines, '  </dict>'].join('\n');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescapeXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
