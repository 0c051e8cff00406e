/** How a command stands, as its tool's answer tells it: lines of facts, then what it wrote. */
export interface CommandAnswer {
  output: string;
  /** `exit 1`, `still running`; empty where it ended well, or where the answer is not of that form. */
  standing: string;
  failed: boolean;
}

/** Reads an answer of `exec_command` or `write_stdin`. What is of another form is output as a whole. */
export function readCommandAnswer(text: string): CommandAnswer {
  const at = text.indexOf(OUTPUT_LINE);
  const facts = at < 0 ? '' : text.slice(0, at);
  if (!facts.includes('Wall time: ')) return { output: text, standing: '', failed: false };
  const output = text.slice(at + OUTPUT_LINE.length);
  if (facts.includes('\nProcess running with session ID ')) {
    return { output, standing: 'still running', failed: false };
  }
  const [, code = '0', signal] = /^Process exited with code (\d+)(?: \(ended by (.+)\))?$/m.exec(facts) ?? [];
  const standing = signal ?? (code === '0' ? '' : `exit ${code}`);
  return { output, standing, failed: standing !== '' };
}

const OUTPUT_LINE = '\nOutput:\n';
