import { text } from 'node:stream/consumers';
import { RunmeshError } from '../kit/errors.ts';

/** A secret typed at a prompt that shows nothing, or the whole of standard input where that is no terminal. */
export async function askSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) return text(process.stdin);
  const { read } = await import('read');
  try {
    return await read({ prompt: question, silent: true, input: process.stdin, output: process.stderr });
  } catch (error) {
    throw new RunmeshError('cancelled', 'Nothing was stored.', { cause: error });
  }
}
