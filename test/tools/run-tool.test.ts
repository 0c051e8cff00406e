import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RunmeshError } from '../../src/kit/errors.ts';
import { executeTool } from '../../src/tools/run-tool.ts';
import type { Tool } from '../../src/tools/tool.ts';
import { contextOf, workspaceWith } from './harness.ts';

const input = z.strictObject({ word: z.string(), times: z.int().min(1).optional() });

function toolThat(execute: Tool<z.infer<typeof input>>['execute']): Tool {
  return { name: 'repeat', description: 'Repeats a word.', input, repeatable: true, execute };
}

const repeat = toolThat(async ({ word, times = 1 }) => ({ text: word.repeat(times) }));
const run = (tool: Tool | undefined, args: string) =>
  executeTool(tool, 'repeat', args, contextOf(workspaceWith()));

describe('a tool call', () => {
  it('gives the tool its checked arguments and answers what it says', async () => {
    expect(await run(repeat, '{"word":"ab","times":2}')).toEqual({ text: 'abab' });
  });

  it('fails for a tool that is not there', async () => {
    expect(await run(undefined, '{}')).toMatchObject({
      isError: true,
      text: expect.stringContaining('"repeat"'),
    });
  });

  it('fails for arguments that are no JSON', async () => {
    const output = await run(repeat, '{"word":');
    expect(output).toMatchObject({ isError: true, text: expect.stringContaining('not valid JSON') });
  });

  it('names the field that does not fit, a missing or unknown one too', async () => {
    expect((await run(repeat, '{"word":"a","times":"two"}')).text).toContain('"times"');
    expect((await run(repeat, '')).text).toContain('"word"');
    expect((await run(repeat, '{"word":"a","colour":1}')).text).toContain('"colour"');
    expect((await run(repeat, '[]')).isError).toBe(true);
  });

  it('tells a refusal of the policy from a failure', async () => {
    const refusing = toolThat(async () => {
      throw new RunmeshError('protected_path', '.git/config may not be changed.');
    });
    expect(await run(refusing, '{"word":"a"}')).toMatchObject({ isError: true, denied: true });
  });

  it('tells the model what the tool threw', async () => {
    const failing = toolThat(async () => {
      throw new RunmeshError('not_found', 'a.txt does not exist.');
    });
    expect(await run(failing, '{"word":"a"}')).toEqual({
      text: 'a.txt does not exist.',
      isError: true,
    });
  });

  it('keeps head and tail of long output and says how much is missing', async () => {
    const { text } = await run(
      toolThat(async () => ({ text: `begin${'x'.repeat(100_000)}end` })),
      '{"word":"a"}',
    );
    expect(text.length).toBeLessThan(40_200);
    expect(text).toMatch(/^beginx+\n\[… 60008 characters, about 15002 tokens, were cut here …\]\nx+end$/);
  });

  it('throws the abort of its run, and runs nothing after it', async () => {
    const abort = new AbortController();
    const context = contextOf(workspaceWith(), { signal: abort.signal });
    const waiting = toolThat(async () => {
      abort.abort(new Error('cancelled'));
      throw new Error('the connection was cut');
    });
    await expect(executeTool(waiting, 'repeat', '{"word":"a"}', context)).rejects.toThrow('cancelled');
    let ran = false;
    const marks = toolThat(async () => {
      ran = true;
      return { text: '' };
    });
    await expect(executeTool(marks, 'repeat', '{"word":"a"}', context)).rejects.toThrow('cancelled');
    expect(ran).toBe(false);
  });
});
