import { setTimeout as delay } from 'node:timers/promises';
import { readSse } from '../support/sse.mjs';

/**
 * A caller that starts a run and follows it through the storm, as an EventSource would: the same `Idempotency-Key` until
 * the run is there, then `Last-Event-ID` each time its stream breaks. It keeps what it was told, and what was wrong with it.
 */
export class Caller {
  runId;
  threadId;
  /** Ids of durable events in the order they were told, over all connections. */
  ids = [];
  events = [];
  wrong = [];
  ended = false;
  /** Its device said that it took the words this caller steered by. */
  steered = false;
  reconnects = -1;
  /** Texts that were told whole while nothing disturbed the link. */
  wholeTexts = 0;
  #house;
  #work;
  #owner;
  #texts = new Map();
  #giveUp = new AbortController();
  #known = withResolvers();

  constructor(house, work, owner) {
    this.#house = house;
    this.#work = work;
    this.#owner = owner;
  }

  /** Resolves with the run's id as soon as the mesh gave it one. */
  known() {
    return this.#known.promise;
  }

  giveUp() {
    this.#giveUp.abort();
    this.#known.resolve(undefined);
  }

  /** Follows the run to its end. `threadId`: the thread to run in, where it is not one of its own. */
  async follow(threadId) {
    const { signal } = this.#giveUp;
    while (!this.ended && !signal.aborted) {
      this.reconnects += 1;
      try {
        const response = this.runId === undefined ? await this.#ask(threadId) : await this.#comeBack();
        if (response.status === 204) {
          this.wrong.push('was answered 204, and never told the end');
          return;
        }
        this.runId = response.headers.get('x-run-id');
        this.threadId = response.headers.get('x-thread-id');
        this.#known.resolve(this.runId);
        const since = performance.now();
        await readSse(response, (frame) => this.#take(frame, since));
      } catch (error) {
        if (error.status !== undefined && error.status < 500 && error.status !== 429)
          this.wrong.push(`was refused: ${error.message}`);
      }
      if (!this.ended) await delay(20, undefined, { signal }).catch(() => {});
    }
  }

  #ask(threadId) {
    const { run, order, deadlineMs } = this.#work;
    const body = { agent: 'lab', prompt: JSON.stringify(order), config: { maxTurns: 100, deadlineMs } };
    return this.#house.api('/v1/run', {
      body: threadId === undefined ? body : { ...body, threadId },
      headers: { 'idempotency-key': run },
      raw: true,
      signal: this.#giveUp.signal,
    });
  }

  #comeBack() {
    const last = this.ids.at(-1);
    return this.#house.api(`/v1/run/${this.runId}/events`, {
      headers: last === undefined ? {} : { 'last-event-id': last },
      raw: true,
      signal: this.#giveUp.signal,
    });
  }

  #take({ event, id, data }, since) {
    const told = JSON.parse(data);
    if (id === undefined) return this.#takeDelta(event, told);
    const expected = `${this.runId}:${this.ids.length + 1}`;
    if (id !== expected) this.wrong.push(`was told ${id} where ${expected} comes next`);
    this.ids.push(id);
    this.events.push(told);
    if (event === 'assistant_message') this.#closeText(told.payload, since);
    if (event === 'approval_requested') this.#owner.hear(this.runId, told.payload);
    if (event === 'run_completed') this.ended = true;
  }

  #takeDelta(event, { messageId, offset, text }) {
    if (event !== 'assistant_message_delta') return;
    const known = this.#texts.get(messageId) ?? '';
    if (offset > known.length) this.wrong.push(`heard a text go on at ${offset}, and had ${known.length}`);
    if (isInsidePair(known, offset)) this.wrong.push(`heard a text go on inside of a character`);
    this.#texts.set(messageId, known.slice(0, offset) + text);
  }

  /** The durable text is the authority: what was heard must be its beginning, and all of it in fair weather. */
  #closeText({ messageId, text }, since) {
    const heard = this.#texts.get(messageId);
    this.#texts.delete(messageId);
    const from = performance.now() - FAIR_MS;
    const fair = since < from && this.#house.fairSince(from);
    if (fair && (heard ?? '') !== text)
      this.wrong.push(`heard "${heard}" of the text "${text}", in fair weather`);
    if (fair) this.wholeTexts += 1;
    if (heard !== undefined && !text.startsWith(heard))
      this.wrong.push(`heard "${heard}", which is no beginning of "${text}"`);
  }
}

function isInsidePair(text, offset) {
  const code = text.charCodeAt(offset - 1);
  return offset > 0 && offset <= text.length && code >= 0xd800 && code <= 0xdbff;
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A text that was told in weather that was fair for this long must have been told whole. */
const FAIR_MS = 1_000;
