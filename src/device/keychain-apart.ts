import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Keychain, patient } from './keychain.ts';
import type { KeychainAnswer, KeychainCall } from './keychain-main.ts';

/**
 * `keytar` in a process of its own for each call. libsecret knows the Secret Service that it first met, and goes on asking
 * that one after it was started anew: only another process finds the new one. Secrets go over its pipes, never among
 * its arguments.
 */
export async function loadKeychainApart(longestMs = LONGEST_MS): Promise<Keychain> {
  return patient({
    // Of readings there is one at a time, which goes on waiting for its prompt; each of the others is a process of its own.
    getPassword: (...args) => callApart({ name: 'getPassword', args }) as Promise<string | null>,
    setPassword: async (...args) => void (await callApart({ name: 'setPassword', args }, longestMs)),
    deletePassword: (...args) => callApart({ name: 'deletePassword', args }, longestMs) as Promise<boolean>,
  });
}

async function callApart(call: KeychainCall, longestMs?: number): Promise<unknown> {
  const child = spawn(process.execPath, [ENTRY], {
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(longestMs !== undefined && { timeout: longestMs, killSignal: 'SIGKILL' }),
  });
  const said = new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
  // One that died early has not read it, and says so by its silence.
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(call));
  const text = await said;
  if (text === '') throw new Error('the process that asks the keychain died');
  const answer = JSON.parse(text) as KeychainAnswer;
  if ('error' in answer) throw new Error(answer.error);
  return answer.value;
}

/** Somewhat longer than a caller waits. */
const LONGEST_MS = 35_000;
const ENTRY = fileURLToPath(new URL('../../dist/device/keychain-main.js', import.meta.url));
