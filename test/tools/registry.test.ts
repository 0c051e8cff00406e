import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/guard/redact.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { RunSessions } from '../../src/tools/exec/run-sessions.ts';
import { createToolbox, describeTools } from '../../src/tools/registry.ts';

const toolbox = createToolbox({
  sessions: new RunSessions(
    async () => {
      throw new Error('no command is run here');
    },
    systemRandom,
    createRedactor([]),
  ),
  clock: systemClock,
  random: systemRandom,
  environment: {},
  shell: undefined,
  fetch,
  webSearch: undefined,
});
const namesOf = (slugs: string[] | undefined) => toolbox.select(slugs).map(({ name }) => name);

describe('the toolbox', () => {
  it('gives every tool where an agent names none, and none where it names no tool', () => {
    expect(namesOf(undefined)).toEqual(toolbox.names());
    expect(toolbox.names()).toHaveLength(13);
    expect(namesOf([])).toEqual([]);
  });

  it('gives the tools named, once each, by their older names too', () => {
    expect(namesOf(['grep', 'bash', 'exec_command', 'glob', 'grep'])).toEqual([
      'grep',
      'exec_command',
      'write_stdin',
      'file_search',
    ]);
  });

  it('names a slug it does not know, and what there is', () => {
    expect(() => toolbox.select(['grep', 'teleport'])).toThrow(
      expect.objectContaining({
        code: 'tool_unknown',
        message: expect.stringMatching(/"teleport".*exec_command, /),
      }),
    );
    expect(() => toolbox.select(['constructor'])).toThrow(expect.objectContaining({ code: 'tool_unknown' }));
  });

  it('lets only tools that change nothing run again after a crash', () => {
    expect(
      toolbox
        .select(undefined)
        .filter(({ repeatable }) => repeatable)
        .map(({ name }) => name),
    ).toEqual([
      'read_file',
      'list_directory',
      'file_search',
      'grep',
      'view_image',
      'get_dev_url',
      'web_search',
    ]);
  });

  it('describes a tool as a closed JSON schema of draft 7, each argument in words', () => {
    for (const { name, description, inputSchema } of describeTools(toolbox.select(undefined))) {
      expect(name).toMatch(/^[a-z_]+$/);
      expect(description?.length).toBeGreaterThan(20);
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(inputSchema).not.toHaveProperty('$schema');
      for (const property of Object.values(inputSchema.properties ?? {})) {
        expect(property).toHaveProperty('description');
      }
    }
    const [exec] = describeTools(toolbox.select(['exec_command']));
    expect(exec?.inputSchema.required).toEqual(['cmd']);
    expect(Object.keys(exec?.inputSchema.properties ?? {})).toEqual([
      'cmd',
      'workdir',
      'shell',
      'tty',
      'login',
      'yield_time_ms',
      'max_output_tokens',
      'with_escalated_permissions',
      'justification',
    ]);
  });
});
