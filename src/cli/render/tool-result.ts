import { readCommandAnswer } from '../../control/words/command-answer.ts';
import { formatDuration, formatPlural } from '../../control/words/format.ts';
import { toolSign } from '../../control/words/tool-line.ts';
import type { DurablePayload } from '../../protocol/events.ts';
import { clean, shorten } from './clean.ts';
import type { Paint } from './paint.ts';

/** How a call went, in a line, and of its output what is worth seeing: a command's last lines, and why a call failed. */
export function renderResult(
  result: DurablePayload<'tool_result'>,
  words: string,
  width: number,
  paint: Paint,
): string[] {
  const went = result.status === 'completed';
  const isCommand = COMMANDS.has(result.name);
  const { output, standing, failed } = readCommandAnswer(isCommand ? result.text : '');
  const { sign, colour } = toolSign(went && failed ? 'nonzero' : result.status);
  const took = [went ? standing : result.status, formatDuration(result.durationMs)]
    .filter((word) => word !== '')
    .join(', ');
  const line = shorten(words, Math.max(20, width - took.length - 6));
  const first = `${paint(colour, sign)} ${line}  ${paint('dim', took)}`;
  if (!isCommand && went) return [first];
  return [first, ...lastLines(isCommand ? output : result.text, width).map((text) => paint('dim', text))];
}

/** Of a long output the end is shown: there a command says how it went. */
function lastLines(output: string, width: number): string[] {
  const text = clean(output).trimEnd();
  if (text === '') return [];
  const lines = text.split('\n');
  const hidden = lines.length - OUTPUT_LINES;
  const shown = lines.slice(-OUTPUT_LINES).map((line) => `    ${shorten(line, width - 5)}`);
  return hidden > 0 ? [`    … ${formatPlural(hidden, 'line')} before`, ...shown] : shown;
}

const COMMANDS = new Set(['exec_command', 'write_stdin']);
const OUTPUT_LINES = 8;
