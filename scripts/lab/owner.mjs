import { setTimeout as delay } from 'node:timers/promises';

/** The owner of the device, who answers each question of a run once, by the mesh, and keeps what was said. */
export class Owner {
  /** By the question's id: `once` or `no`. */
  said = new Map();
  #house;
  #randomFor;
  #answering = [];

  constructor(house, randomFor) {
    this.#house = house;
    this.#randomFor = randomFor;
  }

  hear(runId, { approvalId, callId }) {
    const random = this.#randomFor(callId);
    const decision = random.chance(0.25) ? 'no' : 'once';
    this.said.set(approvalId, decision);
    this.#answering.push(
      this.#answer(`/v1/run/${runId}/approvals/${approvalId}`, decision, random.between(0, 150)),
    );
  }

  /** Resolves when every answer was given, or could not be. */
  async done() {
    await Promise.all(this.#answering);
  }

  /** An answer is given until the mesh has heard it: one counts, however often it came. */
  async #answer(path, decision, afterMs) {
    await delay(afterMs);
    for (let tries = 0; tries < 200; tries += 1) {
      try {
        await this.#house.askOwner(path, { body: { decision } });
        return;
      } catch (error) {
        // Expired by a clock that is set back later: the question then still waits.
        const final = error.status !== undefined && error.status < 500 && !error.message.includes(EXPIRED);
        if (final) return;
        await delay(50);
      }
    }
  }
}

const EXPIRED = 'approval_expired';
