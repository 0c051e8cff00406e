import { text } from 'node:stream/consumers';
import { messageOf } from '../kit/errors.ts';
import { type Keychain, loadKeychain } from './keychain.ts';

/** One call on `keytar`, as JSON on standard input; its answer is JSON on standard output. */
export interface KeychainCall {
  name: keyof Keychain;
  args: readonly string[];
}
export type KeychainAnswer = { value: unknown } | { error: string };

process.stdout.write(JSON.stringify(await answer(JSON.parse(await text(process.stdin)) as KeychainCall)));

async function answer({ name, args }: KeychainCall): Promise<KeychainAnswer> {
  const [service = '', account = '', password = ''] = args;
  try {
    const keychain = await loadKeychain();
    return { value: (await keychain[name](service, account, password)) ?? null };
  } catch (error) {
    return { error: messageOf(error) };
  }
}
