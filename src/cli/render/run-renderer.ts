import type { z } from 'zod';
import {
  DELTA_EVENT,
  DURABLE_PAYLOADS,
  type LiveDelta,
  liveDelta,
  type RunEvent,
} from '../../protocol/events.ts';
import type { Terminal } from '../context.ts';
import { clean, cleanLine, shorten } from './clean.ts';
import { renderDiff } from './diff.ts';
import { formatDuration, formatPlural, formatUsage } from './format.ts';
import { LiveText } from './live-text.ts';
import type { Paint } from './paint.ts';
import { Screen } from './screen.ts';
import { describeCall, toolSign } from './tool-line.ts';

/** A frame of a run: a durable event or a live delta. Types it does not know are passed over. */
export type RunFrame = { type: string } & Record<string, unknown>;

/** Shows a run as it goes: words as they stream, a line a tool call, coloured diffs, and how it ended. */
export class RunRenderer {
  readonly #screen: Screen;
  readonly #paint: Paint;
  readonly #texts = new Map<string, LiveText>();
  readonly #calls = new Map<string, string>();
  #streaming = '';
  #lastMessage = '';

  constructor(terminal: Terminal, paint: Paint) {
    this.#screen = new Screen(terminal);
    this.#paint = paint;
  }

  show(frame: RunFrame): void {
    const delta = liveDelta.safeParse(frame);
    if (delta.success) {
      this.#showDelta(delta.data);
      return;
    }
    const event = readEvent(frame);
    if (event !== undefined) this.#showEvent(event);
  }

  #showDelta(delta: LiveDelta): void {
    // A command's output is shown with its result.
    if (delta.type === DELTA_EVENT.tool_output) return;
    this.#print(delta.type, delta.messageId, (text) => text.take(delta));
  }

  #showEvent(event: RunEvent): void {
    const screen = this.#screen;
    switch (event.type) {
      case 'run_started': {
        const { agent, model, workspace } = event.payload;
        const where = workspace === null ? '' : ` in ${cleanLine(workspace)}`;
        screen.line(this.#paint('dim', `${cleanLine(agent)} (${cleanLine(model)})${where}`));
        break;
      }
      case 'assistant_message': {
        const { messageId, text } = event.payload;
        this.#print(DELTA_EVENT.assistant_message, messageId, (live) => live.close(text));
        this.#texts.delete(`${DELTA_EVENT.assistant_message} ${messageId}`);
        this.#texts.delete(`${DELTA_EVENT.assistant_thinking} ${messageId}`);
        this.#lastMessage = text;
        screen.endLine();
        break;
      }
      case 'tool_call': {
        const words = describeCall(event.payload);
        this.#calls.set(event.payload.callId, words);
        screen.passing(`… ${words}`, (text) => this.#paint('dim', text));
        break;
      }
      case 'tool_result':
        this.#showResult(event.payload);
        break;
      case 'file_change':
        for (const line of renderDiff(event.payload, this.#paint)) screen.line(line);
        break;
      case 'run_steered':
        screen.line(this.#paint('cyan', `> ${cleanLine(event.payload.text)}`));
        break;
      case 'error':
        screen.line(this.#paint('yellow', `! ${cleanLine(event.payload.message)}`));
        break;
      case 'run_completed':
        this.#showEnd(event.payload);
        break;
      default:
    }
  }

  #print(type: string, messageId: string, advance: (text: LiveText) => ReturnType<LiveText['take']>): void {
    const key = `${type} ${messageId}`;
    const live = this.#texts.get(key) ?? new LiveText();
    this.#texts.set(key, live);
    const { text, anew } = advance(live);
    if (text === '') return;
    if (anew) this.#screen.line(this.#paint('dim', '(said anew)'));
    if (this.#streaming !== key) this.#screen.endLine();
    this.#streaming = key;
    const words = clean(text);
    this.#screen.write(type === DELTA_EVENT.assistant_thinking ? this.#paint('dim', words) : words);
  }

  #showResult(result: Extract<RunEvent, { type: 'tool_result' }>['payload']): void {
    const words = this.#calls.get(result.callId) ?? cleanLine(result.name);
    this.#calls.delete(result.callId);
    const { sign, colour } = toolSign(result.status);
    const took = `${result.status === 'completed' ? '' : `${result.status}, `}${formatDuration(result.durationMs)}`;
    const line = shorten(words, Math.max(20, this.#screen.width - took.length - 6));
    this.#screen.line(`${this.#paint(colour, sign)} ${line}  ${this.#paint('dim', took)}`);
    if (!SHOWS_OUTPUT.has(result.name) && result.status === 'completed') return;
    const output = clean(result.text).trimEnd().split('\n');
    if (output.length > OUTPUT_LINES) {
      this.#screen.line(
        this.#paint('dim', `    … ${formatPlural(output.length - OUTPUT_LINES, 'line')} before`),
      );
    }
    for (const text of output.slice(-OUTPUT_LINES)) {
      this.#screen.line(this.#paint('dim', `    ${shorten(text, this.#screen.width - 5)}`));
    }
  }

  #showEnd(end: Extract<RunEvent, { type: 'run_completed' }>['payload']): void {
    const result = end.result ?? '';
    if (result !== '' && result !== this.#lastMessage) this.#screen.line(clean(result));
    if (end.error !== undefined) this.#screen.line(this.#paint('red', cleanLine(end.error.message)));
    const colour = end.status === 'completed' ? 'green' : 'red';
    const counts = `${formatPlural(end.iterations, 'step')}, ${formatUsage(end.usage)}`;
    this.#screen.line(`${this.#paint(colour, end.status)} ${this.#paint('dim', `· ${counts}`)}`);
  }
}

function readEvent(frame: RunFrame): RunEvent | undefined {
  if (!Object.hasOwn(DURABLE_PAYLOADS, frame.type)) return undefined;
  const type = frame.type as RunEvent['type'];
  const schema: z.ZodType = DURABLE_PAYLOADS[type];
  const payload = schema.safeParse(frame.payload);
  return payload.success ? ({ type, payload: payload.data } as RunEvent) : undefined;
}

/** Tools whose output is worth seeing even where all went well. */
const SHOWS_OUTPUT = new Set(['exec_command', 'write_stdin']);
/** Of a long output the end is shown: there a command says how it went. */
const OUTPUT_LINES = 8;
