import type { z } from 'zod';
import { formatPlural, formatUsage } from '../../control/words/format.ts';
import { describeCall } from '../../control/words/tool-line.ts';
import {
  DELTA_EVENT,
  DURABLE_PAYLOADS,
  type DurablePayload,
  type LiveDelta,
  liveDelta,
  type RunEvent,
} from '../../protocol/events.ts';
import type { Terminal } from '../context.ts';
import { clean, cleanLine } from './clean.ts';
import { renderDiff } from './diff.ts';
import { LiveText } from './live-text.ts';
import type { Paint } from './paint.ts';
import { Screen } from './screen.ts';
import { renderResult } from './tool-result.ts';
import { WordWrap } from './word-wrap.ts';

/** A frame of a run: a durable event or a live delta. Types it does not know are passed over. */
export type RunFrame = { type: string } & Record<string, unknown>;

/** Shows a run as it goes: words as they stream, a line a tool call, coloured diffs, and how it ended. */
export class RunRenderer {
  readonly #screen: Screen;
  readonly #paint: Paint;
  readonly #texts = new Map<string, LiveText>();
  readonly #calls = new Map<string, string>();
  #streaming = '';
  #wrap: WordWrap | undefined;
  #lastMessage = '';
  readonly #asksHere: boolean;

  /** `asksHere`: its questions are put to the person who reads this. */
  constructor(terminal: Terminal, paint: Paint, { asksHere = false } = {}) {
    this.#screen = new Screen(terminal);
    this.#paint = paint;
    this.#asksHere = asksHere;
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
    if (delta.offset === 0 && delta.text === '') this.#takeBack(`${delta.type} ${delta.messageId}`);
    else this.#print(delta.type, delta.messageId, (text) => text.take(delta));
  }

  /** A message that is not said after all; what is said instead has a name of its own. */
  #takeBack(key: string): void {
    const isShown = this.#texts.get(key)?.isShown ?? false;
    this.#texts.delete(key);
    if (!isShown) return;
    this.#endStream();
    this.#screen.line(this.#paint('dim', '(taken back)'));
  }

  #showEvent(event: RunEvent): void {
    const screen = this.#screen;
    if (event.type !== 'assistant_message') this.#endStream();
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
        this.#endStream();
        screen.endLine();
        break;
      }
      case 'tool_call': {
        const words = cleanLine(describeCall(event.payload));
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
      case 'approval_requested': {
        if (this.#asksHere) {
          screen.endLine();
          break;
        }
        const { approvalId, what, opens } = event.payload;
        const where = opens === 'outside_sandbox' ? ' outside the sandbox' : '';
        screen.line(this.#paint('yellow', `? asks its owner to run${where}: ${cleanLine(what)}`));
        screen.line(
          this.#paint('dim', `  on that device: runmesh approvals allow ${cleanLine(approvalId)}, or deny`),
        );
        break;
      }
      case 'approval_resolved': {
        const { decision, words } = event.payload;
        const said = words === undefined ? '' : `: ${cleanLine(words)}`;
        screen.line(
          this.#paint(
            decision === 'no' || decision === 'timed_out' ? 'red' : 'green',
            `${ANSWERED[decision]}${said}`,
          ),
        );
        break;
      }
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
    if (anew) {
      this.#endStream();
      this.#screen.line(this.#paint('dim', '(said anew)'));
    }
    if (this.#streaming !== key) {
      this.#endStream();
      this.#screen.endLine();
      this.#streaming = key;
      if (this.#screen.wraps) this.#wrap = new WordWrap(this.#screen.width);
    }
    this.#write(this.#wrap?.take(clean(text)) ?? clean(text));
  }

  /** Says the word that was held back for the rest of it. */
  #endStream(): void {
    const rest = this.#wrap?.rest() ?? '';
    this.#wrap = undefined;
    this.#write(rest);
    this.#streaming = '';
  }

  #write(words: string): void {
    if (words === '') return;
    const isThinking = this.#streaming.startsWith(`${DELTA_EVENT.assistant_thinking} `);
    this.#screen.write(isThinking ? this.#paint('dim', words) : words);
  }

  #showResult(result: DurablePayload<'tool_result'>): void {
    const words = this.#calls.get(result.callId) ?? cleanLine(result.name);
    this.#calls.delete(result.callId);
    for (const line of renderResult(result, words, this.#screen.width, this.#paint)) this.#screen.line(line);
  }

  #showEnd(end: DurablePayload<'run_completed'>): void {
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

const ANSWERED: Record<DurablePayload<'approval_resolved'>['decision'], string> = {
  once: 'allowed once',
  run: 'allowed for this run',
  always: 'allowed for good',
  no: 'refused',
  timed_out: 'nobody answered, which is a no',
};
