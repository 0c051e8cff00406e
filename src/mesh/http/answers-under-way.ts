import type { Server, ServerResponse } from 'node:http';

/**
 * How many requests have no whole answer yet: what a server that goes down waits for. Connections say less, since
 * clients open some in advance and send nothing on them.
 */
export class AnswersUnderWay {
  #count = 0;
  #onNone = () => {};

  constructor(server: Server) {
    server.on('request', (_request, response: ServerResponse) => {
      this.#count += 1;
      response.once('close', () => {
        this.#count -= 1;
        if (this.#count === 0) this.#onNone();
      });
    });
  }

  /** Resolves when no answer is under way. */
  none(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onNone = resolve;
    });
  }
}
