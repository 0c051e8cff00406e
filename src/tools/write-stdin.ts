import { z } from 'zod';
import type { Clock } from '../kit/clock.ts';
import type { Random } from '../kit/random.ts';
import { answerAbout } from './exec/answer.ts';
import type { RunSessions } from './exec/run-sessions.ts';
import { MAX_YIELD_MS, MIN_YIELD_MS } from './exec-command.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  session_id: z.number().describe('The session ID that exec_command answered.'),
  chars: z
    .string()
    .optional()
    .describe('What to type: "\\n" is Enter, "\\u0003" is Ctrl-C. Default: nothing, which only reads.'),
  yield_time_ms: z
    .number()
    .optional()
    .describe(
      'How long to wait before answering. Typing: default 250, from 250 to 30000. Reading: default 5000, from 5000 to 300000. A command that ends is answered at once.',
    ),
  max_output_tokens: z.number().min(1).optional().describe('Most tokens of output to answer. Default 10000.'),
});

/** Types into a running command of the same run, or only reads what it wrote since. */
export function writeStdin(options: {
  sessions: RunSessions;
  clock: Clock;
  random: Random;
}): Tool<z.infer<typeof input>> {
  return {
    name: 'write_stdin',
    description: 'Types into a command that exec_command left running, and answers its output since.',
    input,
    repeatable: false,
    execute: async (call, context) => {
      const session = options.sessions.find(context.runId, call.session_id);
      const chars = call.chars ?? '';
      const hadEnded = session.exit !== undefined;
      const began = options.clock.monotonic();
      if (!hadEnded) {
        if (chars !== '') session.write(chars);
        const yieldMs = yieldTime(call.yield_time_ms, chars !== '');
        await session.wait(options.clock, yieldMs, context.signal, context.onOutput);
      }
      const answer = answerAbout(session, {
        wallTimeMs: options.clock.monotonic() - began,
        maxOutputTokens: call.max_output_tokens,
        random: options.random,
      });
      if (!hadEnded || chars === '') return { text: answer };
      return { text: `The command had ended before; nothing was typed.\n${answer}`, isError: true };
    },
  };
}

function yieldTime(asked: number | undefined, types: boolean): number {
  const [least, most] = types ? [MIN_YIELD_MS, MAX_YIELD_MS] : [MIN_POLL_MS, MAX_POLL_MS];
  return Math.max(least, Math.min(most, asked ?? least));
}

/** The Codex CLI's bounds: reading alone is worth a model step only if something may have happened. */
const MIN_POLL_MS = 5_000;
const MAX_POLL_MS = 300_000;
