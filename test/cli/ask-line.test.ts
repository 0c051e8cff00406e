import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../support/temp.ts';
import { atTerminal } from '../support/terminal.ts';

/** A program of its own at a terminal, which asks. */
function asking(body: string) {
  const file = join(tempDir(), 'ask.mjs');
  const askLine = new URL('../../build/cli/ask-line.js', import.meta.url).href;
  writeFileSync(file, `import { askLine } from ${JSON.stringify(askLine)};\n${body}`);
  return atTerminal([], { PATH: process.env.PATH }, file);
}

describe('a question at the terminal', () => {
  it('keeps nobody from ending when it was over before it was put', async () => {
    const terminal = asking(`
      const over = new AbortController();
      setTimeout(() => over.abort(), 20);
      console.log(\`said \${await askLine('well? ', over.signal)}\`);`);
    await terminal.sees('said undefined');
    expect(await terminal.exited).toBe(0);
    expect(terminal.shown).not.toContain('well?');
  });

  it('takes no answer that was typed before it, also where it is not the first', async () => {
    const terminal = asking(`
      const never = new AbortController().signal;
      console.log(\`first \${await askLine('one? ', never)}\`);
      const stay = setInterval(() => {}, 1_000);
      await new Promise((resolve) => process.once('SIGUSR1', resolve));
      clearInterval(stay);
      console.log(\`second \${await askLine('two? ', never)}\`);`);
    await terminal.sees('one? ');
    terminal.types('a\r');
    await terminal.sees('first a');
    terminal.types('early\r');
    await terminal.sees('early');
    terminal.signals('SIGUSR1');
    await terminal.sees('two? ');
    terminal.types('late\r');
    await terminal.sees('second late');
    expect(await terminal.exited).toBe(0);
  });
});
