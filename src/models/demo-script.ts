import type { LanguageModelV3Prompt, LanguageModelV3ToolResultPart } from '@ai-sdk/provider';

export interface Move {
  thought: string;
  said: string;
  calls: { name: string; args: Record<string, unknown> }[];
}

/**
 * What the demo's model does next, decided from the results of its earlier calls as a real one would: it looks, runs
 * the test, patches the line it read, and runs the test again. What it reports is what it saw.
 */
export function nextMove(prompt: LanguageModelV3Prompt): Move {
  const results = resultsOf(prompt);
  const source = results.find((result) => result.name === 'read_file' && result.text.includes('slugify'));
  if (source === undefined)
    return results.length === 0 ? look() : giveUp('I could not find the function I was asked about.');
  const running = /session ID (\d+)/.exec(results.at(-1)?.text ?? '');
  if (running !== null) return keepWaiting(Number(running[1]));
  const testRuns = results.flatMap((result) => exitCodeOf(result) ?? []);
  const patched = results.find((result) => result.name === 'apply_patch');
  const [first, second] = testRuns;
  if (first === undefined)
    return runTest(
      'Now the test, to see how it fails.',
      'The function replaces something; let me see the failure first.',
    );
  if (first === 0) return giveUp('The test passes already, so there is nothing to mend.');
  if (patched === undefined) return mend(source.text);
  if (second === undefined)
    return runTest('Patched. Once more the test.', 'I must not believe it before the test says so.');
  return report(first, second);
}

function look(): Move {
  return {
    thought: 'A failing test: first I read the code and the test that describes it.',
    said: 'I will read the code and its test first.',
    calls: [
      { name: 'list_directory', args: { path: '.', depth: 2 } },
      { name: 'read_file', args: { path: 'src/slug.js' } },
      { name: 'read_file', args: { path: 'test/slug.test.js' } },
    ],
  };
}

function runTest(said: string, thought: string): Move {
  return { thought, said, calls: [{ name: 'exec_command', args: { cmd: 'npm test' } }] };
}

function keepWaiting(session: number): Move {
  return {
    thought: '',
    said: 'Still running.',
    calls: [{ name: 'write_stdin', args: { session_id: session, yield_time_ms: 10_000 } }],
  };
}

/** Builds the patch from the lines that read_file gave: each is a number, a tab, and the line. */
function mend(source: string): Move {
  const lines = source.split('\n').map((line) => line.replace(/^\d+\t/, ''));
  const at = lines.findIndex((line) => line.includes(".replace(' ', '-')"));
  const wrong = lines[at];
  if (wrong === undefined) return giveUp('The code is not as I expected it.');
  const before = lines[at - 1];
  const patch = [
    '*** Begin Patch',
    '*** Update File: src/slug.js',
    '@@',
    ...(before === undefined ? [] : [` ${before}`]),
    `-${wrong}`,
    `+${wrong.replace(".replace(' ', '-')", ".trim().replace(/\\s+/g, '-')")}`,
    '*** End Patch',
  ].join('\n');
  return {
    thought: 'replace() with a string changes the first match only; a global regular expression changes all.',
    said: '`replace` with a string replaces only the first space. A regular expression with `g` replaces them all.',
    calls: [{ name: 'apply_patch', args: { input: patch } }],
  };
}

function report(before: number, after: number): Move {
  if (after !== 0) return giveUp(`The test still exits with ${after} after my change.`);
  const said = `Mended. \`slugify\` replaced only the first space; now it trims the title and turns every run of white space into one dash. The test exited with ${before} before the change and with ${after} after it.`;
  return { thought: '', said, calls: [] };
}

function giveUp(said: string): Move {
  return { thought: '', said, calls: [] };
}

interface Result {
  name: string;
  text: string;
}

function resultsOf(prompt: LanguageModelV3Prompt): Result[] {
  const parts = prompt.flatMap((message) => (message.role === 'tool' ? message.content : []));
  return parts.flatMap((part) =>
    part.type === 'tool-result' ? [{ name: part.toolName, text: textOf(part) }] : [],
  );
}

function textOf({ output }: LanguageModelV3ToolResultPart): string {
  return 'value' in output
    ? typeof output.value === 'string'
      ? output.value
      : JSON.stringify(output.value)
    : '';
}

function exitCodeOf({ name, text }: Result): number | undefined {
  if (name !== 'exec_command' && name !== 'write_stdin') return undefined;
  const match = /exited with code (\d+)/.exec(text);
  return match === null ? undefined : Number(match[1]);
}
