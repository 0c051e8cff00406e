import type { ApprovalRequest, ApprovalResolution } from '../../../protocol/approvals.ts';
import type { DurablePayload, LiveDelta, RunEvent } from '../../../protocol/events.ts';
import type { StreamLine } from '../../contract.ts';
import { readCommandAnswer } from '../../words/command-answer.ts';
import { CHANGE_VERBS, countChanges, hunkLines } from '../../words/diff-lines.ts';
import { describeCall } from '../../words/tool-line.ts';

export interface SaidBlock {
  kind: 'said';
  who: 'user' | 'system' | 'assistant' | 'owner' | 'thinking';
  text: string;
  /** More may come. */
  live: boolean;
}

export interface CallBlock {
  kind: 'call';
  /** `exec_command npm test`. */
  words: string;
  arguments: string;
  /** `running`, `waiting` for its owner, or how it went; `nonzero` is a call that went well and whose command did not. */
  status: DurablePayload<'tool_result'>['status'] | 'running' | 'waiting' | 'nonzero';
  /** `exit 1`. */
  standing: string;
  output: string;
  durationMs: number | undefined;
}

export interface ChangeBlock {
  kind: 'change';
  title: string;
  added: number;
  removed: number;
  /** `undefined` for a file without a text. */
  lines: readonly string[] | undefined;
}

export interface AskedBlock {
  kind: 'asked';
  request: ApprovalRequest;
  resolution: ApprovalResolution | undefined;
}

/** A paragraph of a run's story. One that changes is another object, so that what did not change is not drawn anew. */
export type Block =
  | SaidBlock
  | CallBlock
  | ChangeBlock
  | AskedBlock
  | { kind: 'started'; payload: DurablePayload<'run_started'> }
  | { kind: 'trouble'; message: string }
  | { kind: 'ended'; payload: DurablePayload<'run_completed'> };

/** What a run did and says, told from its events and live deltas in the order in which they come. */
export class RunStory {
  readonly blocks: Block[] = [];
  /** The last event of this story; a stream that was cut goes on after it. */
  lastSequence: number;
  /** Where the block of a message or a call stands. */
  readonly #places = new Map<string, number>();

  /** A story that begins after this event. */
  constructor(after = 0) {
    this.lastSequence = after;
  }

  get ended(): boolean {
    return this.blocks.at(-1)?.kind === 'ended';
  }

  take(line: StreamLine): void {
    const who = SPOKEN_BY[line.type as LiveDelta['type']];
    if (who !== undefined) return this.#takeDelta(who, line as unknown as LiveDelta);
    const sequence = Number(line.runSequence ?? 0);
    if (sequence <= this.lastSequence) return;
    this.lastSequence = sequence;
    this.#takeEvent(line as unknown as RunEvent);
  }

  /** The reader's rule: appending is the common case of cutting at the offset. */
  #takeDelta(who: SaidBlock['who'] | 'output', { messageId, offset, text }: LiveDelta): void {
    if (who === 'output') {
      return this.#change<CallBlock>(`call ${messageId}`, (call) => ({
        ...call,
        output: call.output.slice(0, offset) + text,
      }));
    }
    const place = `${who} ${messageId}`;
    if (!this.#places.has(place)) this.#add({ kind: 'said', who, text: '', live: true }, place);
    this.#change<SaidBlock>(place, (said) => ({ ...said, text: said.text.slice(0, offset) + text }));
  }

  #takeEvent(event: RunEvent): void {
    switch (event.type) {
      case 'run_started':
        return this.#add({ kind: 'started', payload: event.payload });
      case 'user_message': {
        const { role = 'user', text } = event.payload;
        return this.#add({ kind: 'said', who: role, text, live: false });
      }
      case 'assistant_message':
        return this.#takeMessage(event.payload);
      case 'tool_call': {
        const { callId, arguments: args } = event.payload;
        return this.#add(
          { kind: 'call', words: describeCall(event.payload), arguments: args, ...RUNNING },
          `call ${callId}`,
        );
      }
      case 'tool_result':
        return this.#takeResult(event.payload);
      case 'file_change':
        return this.#add(changeOf(event.payload));
      case 'run_steered':
        return this.#add({ kind: 'said', who: 'owner', text: event.payload.text, live: false });
      case 'approval_requested':
        this.#add(
          { kind: 'asked', request: event.payload, resolution: undefined },
          `asked ${event.payload.approvalId}`,
        );
        return this.#turn(event.payload.callId, 'waiting');
      case 'approval_resolved': {
        const resolution = event.payload;
        this.#change<AskedBlock>(`asked ${resolution.approvalId}`, (asked) => ({ ...asked, resolution }));
        return this.#turn(resolution.callId, 'running');
      }
      case 'error':
        return this.#add({ kind: 'trouble', message: event.payload.message });
      case 'run_completed':
        return this.#add({ kind: 'ended', payload: event.payload });
      default:
    }
  }

  /** The whole text, the deltas' authority. */
  #takeMessage({ messageId, text, content }: DurablePayload<'assistant_message'>): void {
    const thought = content.flatMap((part) => (part.type === 'reasoning' ? [part.text] : [])).join('\n');
    this.#close('thinking', messageId, thought);
    this.#close('assistant', messageId, text);
  }

  #close(who: SaidBlock['who'], messageId: string, text: string): void {
    const place = `${who} ${messageId}`;
    if (!this.#places.has(place)) {
      if (text !== '') this.#add({ kind: 'said', who, text, live: false }, place);
      return;
    }
    // Thinking that was told live and is not kept is still worth reading.
    this.#change<SaidBlock>(place, (said) => ({
      ...said,
      text: text === '' && who === 'thinking' ? said.text : text,
      live: false,
    }));
  }

  #takeResult({ callId, name, status, text, content, durationMs }: DurablePayload<'tool_result'>): void {
    const place = `call ${callId}`;
    if (!this.#places.has(place)) {
      this.#add({ kind: 'call', words: name, arguments: '', ...RUNNING }, place);
    }
    const isCommand = name === 'exec_command' || name === 'write_stdin';
    const answer = readCommandAnswer(isCommand ? text : '');
    const images = content?.filter((part) => part.type === 'image') ?? [];
    const shown = isCommand ? answer.output : text;
    this.#change<CallBlock>(place, (call) => ({
      ...call,
      status: status === 'completed' && answer.failed ? 'nonzero' : status,
      standing: answer.standing,
      output: [shown, ...images.map(({ mediaType }) => `(an image, ${mediaType})`)].join('\n'),
      durationMs,
    }));
  }

  #turn(callId: string, status: CallBlock['status']): void {
    this.#change<CallBlock>(`call ${callId}`, (call) => ({ ...call, status }));
  }

  #add(block: Block, place?: string): void {
    if (place !== undefined) this.#places.set(place, this.blocks.length);
    this.blocks.push(block);
  }

  #change<B extends Block>(place: string, change: (block: B) => B): void {
    const at = this.#places.get(place);
    if (at !== undefined) this.blocks[at] = change(this.blocks[at] as B);
  }
}

function changeOf({ kind, path, movedTo, diff }: DurablePayload<'file_change'>): ChangeBlock {
  const lines = diff === undefined ? undefined : hunkLines(diff);
  const title = `${CHANGE_VERBS[kind]} ${path}${movedTo === undefined ? '' : ` → ${movedTo}`}`;
  return { kind: 'change', title, ...countChanges(lines ?? []), lines };
}

const SPOKEN_BY: Readonly<Record<string, SaidBlock['who'] | 'output'>> = {
  assistant_message_delta: 'assistant',
  assistant_thinking_delta: 'thinking',
  tool_output_delta: 'output',
} satisfies Record<LiveDelta['type'], SaidBlock['who'] | 'output'>;

const RUNNING = { status: 'running', standing: '', output: '', durationMs: undefined } as const;
