import { appendFileSync } from 'node:fs';
import { readStored } from './evidence.mjs';
import { ASKED } from './witness.mjs';

/**
 * What is noticed about a house while it runs: what the mesh has acknowledged to its device, whether a mesh that died
 * still has it, who died unasked, and how long each start took.
 */
export class Watch {
  wrong = [];
  recoveries = [];
  resumes = [];
  hits = new Map();
  refusedStarts = 0;
  house;
  /** Where commands write, outside of every journal. */
  witness;
  #acked = new Map();
  #welcomedAt = 0;
  #told = new Map();

  constructor(witness) {
    this.witness = witness;
  }

  /** The model was asked: written into the witness, so that it has its place among the commands' lines. */
  asked(life, run) {
    appendFileSync(this.witness, `${life} ${run} - ${ASKED}\n`);
  }

  /** Frames on their way down. An acknowledgement is a promise from the moment the device can read it. */
  frame(direction, text) {
    if (direction !== 'down') return;
    if (text.startsWith('{"type":"welcome"')) this.#welcomedAt = performance.now();
    const acks = ACKS.test(text) ? acksIn(JSON.parse(text)) : [];
    for (const [runId, n] of acks) this.#acked.set(runId, Math.max(n, this.#acked.get(runId) ?? 0));
  }

  /** Whether nothing disturbed the way from the daemon to the mesh since then. */
  fairSince(at) {
    const { daemon, mesh, devices } = this.house;
    return [daemon.lastChangeAt, mesh.lastChangeAt, devices.lastChangeAt(), this.#welcomedAt].every(
      (t) => t < at,
    );
  }

  /** Called before a dead program is started again. */
  died(name, death) {
    const { house } = this;
    if (house === undefined) return;
    if (name === 'mesh') {
      const stored = new Map(readStored(house.meshFile));
      for (const [runId, n] of this.#acked) {
        if ((stored.get(runId) ?? 0) >= n) continue;
        this.wrong.push(
          `the mesh had acknowledged ${n} of run ${runId}, and has ${stored.get(runId) ?? 0} after its death`,
        );
      }
    }
    for (const what of house[name].done()) {
      if (what.crashed !== undefined) {
        this.hits.set(what.crashed, (this.hits.get(what.crashed) ?? 0) + 1);
        this.#told.set(`${name} ${what.life}`, what.crashed);
      } else this.resumes.push(what.resumedMs);
    }
    const why = this.#unexpected(name, death);
    if (why !== undefined) this.wrong.push(why);
  }

  ready({ life, readyMs, startedAt }) {
    const { mesh, devices, disk, daemon } = this.house;
    const calm = mesh.up && devices.calm() && !disk.fullSince(startedAt) && daemon.lastSignalAt < startedAt;
    if (life > 1 && calm && mesh.lastChangeAt < startedAt && devices.lastTroubleAt() < startedAt)
      this.recoveries.push(readyMs);
  }

  /** A program may end where there is no space even to start in, if it says so. */
  #wasFull(name, startedAt) {
    const { disk, meshDisk } = this.house;
    return (name === 'daemon' ? disk : meshDisk).fullSince(startedAt);
  }

  #unexpected(name, { life, code, signal, asked, wasUp, said, startedAt }) {
    const crashed = this.#told.get(`${name} ${life}`);
    if (crashed !== undefined && signal === 'SIGKILL') return undefined;
    if (asked === 'killed' || asked === 'over') return undefined;
    if (asked === 'stopped' && (code === 0 || (signal === 'SIGTERM' && !wasUp))) return undefined;
    if (code === 1 && FULL.test(said) && this.#wasFull(name, startedAt)) {
      this.refusedStarts += 1;
      return undefined;
    }
    return `the ${name} ${asked === 'stopped' ? 'did not stop well' : 'died by itself'} (${code ?? signal}): ${said.slice(-2_000)}`;
  }
}

function acksIn({ type, runId, runSequence, runs }) {
  if (type === 'ack') return [[runId, runSequence]];
  return runs.map((run) => [run.runId, run.acked ?? run.ackedRunSequence]);
}

const ACKS = /^\{"type":"(ack|welcome|heartbeat)"/;
const FULL = /"disk_full"|disk is full|no space/i;
