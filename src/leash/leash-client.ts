import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { Leash, LeashSession, SessionExit } from './leash.ts';
import { removeNoted } from './left-names.ts';
import type { FromLeash, ToLeash } from './messages.ts';
import type { ProcessIdentity } from './process-table.ts';
import { SYSTEM_PATH } from './system-program.ts';

export interface StartLeashOptions {
  log: Log;
  /** Where it keeps its own things: a folder that is hidden from every sandbox. The system's where it is not named. */
  temporary?: string;
  /** The helper's program; the compiled file beside this one. */
  entry?: string;
}

/** What the client keeps of a session that the helper owns. */
interface Remote {
  opened(process: ProcessIdentity): void;
  refused(error: Error): void;
  output(text: string, cut: number): void;
  exit(exit: SessionExit): void;
  ended(): void;
}

/** Starts the helper and waits until it is warm. Throws `leash_failed` when it cannot be started. */
export async function startLeash({ log, temporary, entry = ENTRY }: StartLeashOptions): Promise<Leash> {
  // Its environment has nothing of the daemon's: what the daemon knows, the parent of every command must not.
  const child = fork(entry, [], {
    detached: true,
    env: { PATH: SYSTEM_PATH, ...(temporary !== undefined && { TMPDIR: temporary }) },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  child.unref();
  const remotes = new Map<number, Remote>();
  let nextId = 1;
  const failed = (reason: string) =>
    new RunmeshError('leash_failed', `The helper that runs commands ${reason}.`);

  child.stderr
    ?.setEncoding('utf8')
    .on('data', (text: string) => log.warn({ text }, 'the leash said something'));
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      log.info({ code, signal }, 'the leash ended');
      for (const remote of remotes.values()) {
        remote.refused(failed('ended'));
        remote.exit({ exitCode: null, signal: 9 });
        remote.ended();
      }
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', (message) => {
      const ready = message as FromLeash;
      if (ready.type === 'ready') child.once('exit', () => removeNoted(ready.folder));
      resolve();
    });
    child.once('error', (error) => reject(failed(`could not be started: ${error.message}`)));
    child.once('exit', () => reject(failed('ended as soon as it was started')));
  });
  child.on('message', (message) => deliver(message as FromLeash, remotes));

  return {
    get alive() {
      return child.connected;
    },
    open: async (request) => {
      if (!child.connected) throw failed('has ended; the next command starts another');
      const id = nextId;
      nextId += 1;
      return openSession(id, child, remotes, () => send(child, { type: 'open', id, request }));
    },
    close: async () => {
      // Otherwise nothing keeps this process alive until the helper has ended what is left.
      child.ref();
      send(child, { type: 'close' });
      await gone;
    },
  };
}

function deliver(message: FromLeash, remotes: Map<number, Remote>): void {
  if (message.type === 'ready') return;
  const remote = remotes.get(message.id);
  if (remote === undefined) return;
  if (message.type === 'opened') remote.opened(message.process);
  else if (message.type === 'refused') remote.refused(new RunmeshError('command_refused', message.message));
  else if (message.type === 'output') remote.output(message.text, message.cut);
  else if (message.type === 'exited') remote.exit(message.exit);
  else remote.ended();
}

function openSession(
  id: number,
  child: ChildProcess,
  remotes: Map<number, Remote>,
  open: () => void,
): Promise<LeashSession> {
  let listener: (text: string, cut: number) => void = () => {};
  const exit = deferred<SessionExit>();
  const ended = deferred<void>();
  return new Promise((resolve, reject) => {
    remotes.set(id, {
      opened: (process) =>
        resolve({
          process,
          exited: exit.promise,
          ended: ended.promise,
          release: () => send(child, { type: 'release', id }),
          write: (text) => send(child, { type: 'write', id, text }),
          onOutput: (take) => {
            listener = take;
          },
          end: async () => {
            send(child, { type: 'end', id });
            await ended.promise;
          },
        }),
      refused: (error) => {
        // Too late to matter once the session is open.
        reject(error);
      },
      output: (text, cut) => {
        listener(text, cut);
        send(child, { type: 'taken', id, units: text.length });
      },
      exit: exit.resolve,
      ended: () => {
        remotes.delete(id);
        ended.resolve(undefined);
      },
    });
    open();
  });
}

function send(child: ChildProcess, message: ToLeash): void {
  if (child.connected) child.send(message, () => {});
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** The compiled helper, from the compiled client or from its source under a test runner. */
const ENTRY = fileURLToPath(new URL('../../dist/leash/leash-main.js', import.meta.url));
