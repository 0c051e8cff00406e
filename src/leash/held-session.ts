import { type IPty, spawn } from 'node-pty';
import { endTree } from './end-tree.ts';
import type { Gate } from './gates.ts';
import { LastWords } from './last-words.ts';
import type { SessionExit, SessionRequest } from './leash.ts';
import { OutputWindow } from './output-window.ts';
import { type listProcesses, MARK_VARIABLE, type ProcessIdentity, readProcess } from './process-table.ts';
import { ProcessTree } from './process-tree.ts';
import { COMMAND_VARIABLE } from './sandbox-line.ts';
import type { HeldLine } from './sandbox-lines.ts';
import { shellText } from './sandbox-words.ts';
import { SYSTEM_PATH } from './system-program.ts';

export interface HeldSessionEvents {
  /** `cut` UTF-16 units before `text` were let go. */
  onOutput(text: string, cut: number): void;
  onExit(exit: SessionExit): void;
}

/** A command on its pty, inside the helper. It stands at its gate until `release`. */
export class HeldSession {
  readonly process: ProcessIdentity;
  readonly #pty: IPty;
  readonly #gate: Gate;
  readonly #tree: ProcessTree;
  readonly #output: OutputWindow;
  #ended: Promise<number> | undefined;

  /** `line`: the way into the sandbox of the request's policy; without one the command runs as the owner does. */
  constructor(request: SessionRequest, line: HeldLine | undefined, gate: Gate, events: HeldSessionEvents) {
    this.#gate = gate;
    const { args, env } = line === undefined ? plain(request) : sandboxed(request, line);
    this.#pty = spawn('/bin/sh', ['-c', args[0] ?? '', gate.path, ...args.slice(1)], {
      name: request.env.TERM ?? 'dumb',
      cols: request.columns,
      rows: request.rows,
      cwd: request.cwd,
      env: { ...env, [MARK_VARIABLE]: request.mark },
      encoding: 'utf8',
    });
    const row = readProcess(this.#pty.pid);
    // A process that cannot be seen was gone before it could be looked at; its pid is all there is to say.
    this.process = {
      pid: this.#pty.pid,
      startTime: row?.startTime ?? '',
      // A pty's child calls setsid before it runs anything, so its session is its own pid.
      sid: this.#pty.pid,
    };
    this.#tree = new ProcessTree(this.process, request.mark);
    this.#output = new OutputWindow((text, cut) => events.onOutput(text, cut));
    const lastWords = new LastWords(terminalOf(this.#pty), this.#pty.pid);
    this.#pty.onData((text) => this.#output.push(lastWords.pass(text)));
    this.#pty.onExit(({ exitCode, signal }) => {
      this.#gate.discard();
      this.#output.push(lastWords.close());
      this.#output.flush();
      // node-pty says exit code 0 with a signal: the signal is the truth.
      const bySignal = signal !== undefined && signal !== 0;
      events.onExit({ exitCode: bySignal ? null : exitCode, signal: bySignal ? signal : null });
    });
  }

  release(): void {
    this.#gate.open();
  }

  write(text: string): void {
    this.#pty.write(text);
  }

  taken(units: number): void {
    this.#output.taken(units);
  }

  observe(table: ReturnType<typeof listProcesses>): void {
    this.#tree.observe(table);
  }

  /** Whether something of the command lives, the leader or who it left behind. */
  lives(table: ReturnType<typeof listProcesses>): boolean {
    return this.#tree.alive(table).length > 0;
  }

  /** Ends the command and all it started; resolves when none is left. */
  end(): Promise<number> {
    this.#ended ??= endTree(this.#tree).finally(() => this.#gate.discard());
    return this.#ended;
  }
}

/** What a command is started with: the shell's script, then its words. */
interface Start {
  args: string[];
  env: Record<string, string>;
}

function plain({ file, args, env }: SessionRequest): Start {
  return { args: [`${WAIT_AT_GATE} exec "$@"`, file, ...args], env };
}

/**
 * The command's variables and words wait in one variable until they are inside: nothing of them can bend what the sandbox
 * itself is made with.
 */
function sandboxed({ file, args, env }: SessionRequest, { line }: HeldLine): Start {
  return {
    args: [`${WAIT_AT_GATE} ${line}`],
    env: { PATH: SYSTEM_PATH, [COMMAND_VARIABLE]: shellText([file, ...args], env) },
  };
}

/** The path of the terminal's other side. node-pty has it on every Unix and leaves it out of its types. */
function terminalOf(pty: IPty): string {
  return (pty as IPty & { ptsName: string }).ptsName;
}

/** $0 is the gate; its path stands in no environment. 125 is what a command that was never let go exits with. */
const WAIT_AT_GATE = 'IFS= read -r _ < "$0" || exit 125;';
