import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';
import type { DevicePaths } from './paths.ts';
import { replaceFile } from './replace-file.ts';
import type { SecretName, SecretStore } from './secret-store.ts';

export type SecretsPath = Pick<DevicePaths, 'secrets'>;

/** `secrets.json`: where secrets are kept, the names of those there are, and only in a store of kind `file` their values. */
const secretsFile = z.object({
  store: z.enum(['keychain', 'secret-service', 'file']),
  names: z.array(z.string()).optional(),
  values: z.record(z.string(), z.string()).optional(),
});
export type SecretsFile = z.infer<typeof secretsFile>;

/** Secrets as values of a 0600 file. */
export function fileSecrets(paths: SecretsPath): SecretStore {
  const values = () => readSecretsFile(paths)?.values ?? {};
  const write = (changed: Record<string, string>) =>
    writeSecretsFile(paths, { store: 'file', values: changed });
  return {
    kind: 'file',
    mayAskAgain: async () => true,
    names: () => Object.keys(values()) as SecretName[],
    get: async (name) => values()[name],
    set: async (name, value) => write({ ...values(), [name]: value }),
    delete: async (name) => {
      const { [name]: removed, ...rest } = values();
      if (removed !== undefined) write(rest);
    },
  };
}

/** `undefined` where nothing was stored yet. Throws `secrets_unavailable` for a file that is not ours to read. */
export function readSecretsFile({ secrets }: SecretsPath): SecretsFile | undefined {
  try {
    return secretsFile.parse(JSON.parse(readFileSync(secrets, 'utf8')));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    const why = error instanceof z.ZodError ? 'it is not what this program writes' : messageOf(error);
    throw new RunmeshError(
      'secrets_unavailable',
      `${secrets} cannot be read (${why}). Restore it, or move it away and link this device again.`,
      { cause: error },
    );
  }
}

export function writeSecretsFile({ secrets }: SecretsPath, content: SecretsFile): void {
  replaceFile(secrets, `${JSON.stringify(content)}\n`);
}
