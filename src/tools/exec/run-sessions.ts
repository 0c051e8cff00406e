import { mkdir } from 'node:fs/promises';
import type { Redactor } from '../../guard/redact.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { Random } from '../../kit/random.ts';
import type { LeashSession, SessionRequest } from '../../leash/leash.ts';
import type { ToolContext } from '../tool.ts';
import { CommandSession } from './command-session.ts';
import { SessionsMeter, type SessionsUse } from './measure-sessions.ts';

export interface CommandStart {
  command: string;
  tty: boolean;
  request: Omit<SessionRequest, 'mark' | 'owner'>;
}

/** The commands of every run, each run's apart from the others'. */
export class RunSessions {
  readonly #open: (request: SessionRequest) => Promise<LeashSession>;
  readonly #random: Random;
  readonly #redactor: Redactor;
  readonly #runs = new Map<string, Map<number, CommandSession>>();
  readonly #meters = new Map<string, SessionsMeter>();

  /** `open` opens a command on a leash. */
  constructor(open: (request: SessionRequest) => Promise<LeashSession>, random: Random, redactor: Redactor) {
    this.#open = open;
    this.#random = random;
    this.#redactor = redactor;
  }

  /**
   * Opens a command, commits its process and only then lets it go. Throws `too_many_sessions` when the run has
   * `MAX_SESSIONS` commands alive.
   */
  async start(start: CommandStart, context: ToolContext): Promise<CommandSession> {
    const sessions = this.#sessionsOf(context.runId);
    makeRoom(sessions);
    const id = this.#newId(sessions);
    await mkdir(start.request.policy.temporary, { recursive: true, mode: 0o700 });
    const mark = sessionMark(context.runId, id);
    const meter = this.#meterOf(context.runId);
    const leashed = await this.#open({ ...start.request, mark, owner: context.runId });
    const session = new CommandSession({
      id,
      command: start.command,
      outside: context.outside,
      tty: start.tty,
      leashed,
      redactor: this.#redactor,
      onOutputBytes: (bytes) => {
        meter.outputBytes += bytes;
      },
    });
    meter.add(leashed.process, mark);
    sessions.set(session.id, session);
    try {
      context.signal.throwIfAborted();
      context.onProcessStarted(session.id, leashed.process);
    } catch (error) {
      sessions.delete(session.id);
      await session.end();
      throw error;
    }
    leashed.ended
      .then(() => {
        session.gone = true;
        meter.ended(mark);
        context.onProcessEnded(session.id);
      })
      // A journal that is closed by now finds out at its next start that the process is gone.
      .catch(() => {});
    session.release();
    return session;
  }

  /** The run's session of an id that its model was told. Throws `session_unknown`, for another run's sessions too. */
  find(runId: string, id: number): CommandSession {
    const sessions = this.#sessionsOf(runId);
    const session = sessions.get(id);
    if (session !== undefined) return session;
    const running = [...sessions.values()].filter((one) => one.exit === undefined);
    const known = running.map((one) => `${one.id} (${one.command.slice(0, 60)})`).join(', ');
    throw new RunmeshError(
      'session_unknown',
      `This run has no session ${id}; sessions end with the process that holds them. ${known === '' ? 'No command is running.' : `Running: ${known}.`}`,
    );
  }

  /** Forgets a command that ended within its first call: its model never heard of its id. */
  forget(runId: string, session: CommandSession): void {
    if (session.gone) this.#sessionsOf(runId).delete(session.id);
  }

  /** Ends every command of the run, background included; resolves when none is left. */
  async endRun(runId: string): Promise<void> {
    const sessions = [...(this.#runs.get(runId)?.values() ?? [])];
    this.#runs.delete(runId);
    this.#meters.delete(runId);
    await Promise.all(sessions.filter((session) => !session.gone).map((session) => session.end()));
  }

  /** Whether a session of the run runs beyond its sandbox. */
  leftSandbox(runId: string, id: number): boolean {
    return this.#runs.get(runId)?.get(id)?.outside ?? false;
  }

  /** What the run's commands have used in this process. */
  measure(runId: string, monotonic: number): SessionsUse {
    return this.#meters.get(runId)?.measure(monotonic) ?? { processes: 0, outputBytes: 0, diskBytes: 0 };
  }

  #meterOf(runId: string): SessionsMeter {
    const meter = this.#meters.get(runId) ?? new SessionsMeter();
    this.#meters.set(runId, meter);
    return meter;
  }

  #sessionsOf(runId: string): Map<number, CommandSession> {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const sessions = new Map<number, CommandSession>();
    this.#runs.set(runId, sessions);
    return sessions;
  }

  /** Random, since a counter would give a restarted process's ids to other commands of the same run. */
  #newId(sessions: ReadonlyMap<number, CommandSession>): number {
    for (;;) {
      const id = FIRST_ID + Math.floor(this.#random.unit() * ID_COUNT);
      if (!sessions.has(id)) return id;
    }
  }
}

/** What every process of a session bears. Made of what the journal knows, so that a later daemon finds them by it. */
export function sessionMark(runId: string, sessionId: number): string {
  return `${runId}/${sessionId}`;
}

/** Drops the oldest command of which nothing is left, where there are too many. */
function makeRoom(sessions: Map<number, CommandSession>): void {
  if (sessions.size < MAX_SESSIONS) return;
  for (const session of sessions.values()) {
    if (!session.gone) continue;
    sessions.delete(session.id);
    return;
  }
  throw new RunmeshError(
    'too_many_sessions',
    `This run has ${MAX_SESSIONS} commands alive, and no more are started. End some first, with write_stdin and "\\u0003".`,
  );
}

const MAX_SESSIONS = 64;
const FIRST_ID = 1_000;
const ID_COUNT = 999_000;
