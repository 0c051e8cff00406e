import type { z } from 'zod';
import { codeOf, messageOf } from '../kit/errors.ts';
import { boundText, MAX_OUTPUT_UNITS } from './bounded-text.ts';
import type { Tool, ToolContext, ToolOutput } from './tool.ts';

/** A call that may run, or the answer that it may not. */
type Prepared = { kind: 'ready'; tool: Tool; input: unknown } | { kind: 'refused'; output: ToolOutput };

/**
 * Runs one call of a model: prepare, execute, bound. Whatever goes wrong (no such tool, arguments that are no JSON or do
 * not fit, a tool that throws) is a failed output with a sentence for the model; only the run's abort is thrown.
 */
export async function executeTool(
  tool: Tool | undefined,
  name: string,
  argumentsJson: string,
  context: ToolContext,
): Promise<ToolOutput> {
  const prepared = prepare(tool, name, argumentsJson);
  const output =
    prepared.kind === 'ready' ? await execute(prepared.tool, prepared.input, context) : prepared.output;
  return { ...output, text: boundText(output.text, MAX_OUTPUT_UNITS) };
}

function prepare(tool: Tool | undefined, name: string, argumentsJson: string): Prepared {
  if (tool === undefined) {
    return refused(`There is no tool named "${name}" in this run. Use one of those you were given.`);
  }
  let parsed: unknown;
  try {
    // Some models write nothing at all for a call without arguments.
    parsed = JSON.parse(argumentsJson.trim() === '' ? '{}' : argumentsJson);
  } catch (error) {
    return refused(`The arguments of ${name} are not valid JSON: ${messageOf(error)}. Nothing was run.`);
  }
  const checked = tool.input.safeParse(parsed);
  if (checked.success) return { kind: 'ready', tool, input: checked.data };
  return refused(`The arguments of ${name} do not fit: ${issuesOf(checked.error)}. Nothing was run.`);
}

async function execute(tool: Tool, input: unknown, context: ToolContext): Promise<ToolOutput> {
  context.signal.throwIfAborted();
  try {
    return await tool.execute(input, context);
  } catch (error) {
    // Whatever a cancelled call throws, the cancel is what is told.
    context.signal.throwIfAborted();
    return { ...failed(messageOf(error)), ...(REFUSALS.has(codeOf(error)) && { denied: true }) };
  }
}

function issuesOf(error: z.ZodError): string {
  const sentences = error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `"${path.join('.')}": ${message}`,
  );
  const shown = sentences.slice(0, MAX_ISSUES).join('; ');
  return sentences.length > MAX_ISSUES ? `${shown}; and ${sentences.length - MAX_ISSUES} more` : shown;
}

function refused(text: string): Prepared {
  return { kind: 'refused', output: failed(text) };
}

function failed(text: string): ToolOutput {
  return { text, isError: true };
}

const MAX_ISSUES = 5;
/** What the guard throws where the run's policy, and not the machine, says no. */
const REFUSALS: ReadonlySet<string> = new Set([
  'outside_workspace',
  'protected_path',
  'read_only',
  'secret_store',
]);
