import { closeInherited } from './close-inherited.ts';
import { Gates } from './gates.ts';
import { HeldSession } from './held-session.ts';
import type { SessionRequest } from './leash.ts';
import type { FromLeash, ToLeash } from './messages.ts';
import { listProcesses } from './process-table.ts';
import { type HeldLine, SandboxLines } from './sandbox-lines.ts';

/**
 * The helper process. It owns the ptys, decides nothing, and holds a channel to the daemon: when the channel closes,
 * however the daemon died, it ends every command that is left and goes. It runs in a process group of its own and
 * ignores the signals that ask a group to stop, since it is there to outlive the daemon by a moment.
 */
/** A double fork takes a few milliseconds; who a look misses is still in the session, or has a live parent. */
const OBSERVE_MS = 250;

const sessions = new Map<number, HeldSession>();
/** Sessions whose leader has ended, and of which something may be left in the background. */
const exited = new Set<number>();
const lines = new Map<number, HeldLine>();
const gates = new Gates();
let closing = false;

closeInherited();
// The sandbox library protects names in the current folder of whoever asks it. In this one there are none.
process.chdir(gates.folder);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('message', (message) => handle(message as ToLeash));
const watch = setInterval(observe, OBSERVE_MS);
const sandboxes = new SandboxLines(process.platform, gates.folder, (sentence) => {
  process.stderr.write(`${sentence}\n`);
});
process.on('disconnect', () => close());
// A daemon that died while this was loading is told of by no event any more.
if (!process.connected) close();
send({ type: 'ready', folder: gates.folder });

function handle(message: ToLeash): void {
  if (message.type === 'close') {
    close();
    return;
  }
  if (message.type === 'open') {
    open(message.id, message.request).catch(() => {});
    return;
  }
  const session = sessions.get(message.id);
  if (session === undefined) return;
  if (message.type === 'release') session.release();
  else if (message.type === 'write') session.write(message.text);
  else if (message.type === 'taken') session.taken(message.units);
  else end(message.id, session);
}

async function open(id: number, request: SessionRequest): Promise<void> {
  try {
    if (request.newRepository) sandboxes.lookAgain();
    const line = request.policy.sandboxed ? await sandboxes.hold(request.policy, request.proxies) : undefined;
    if (line !== undefined) lines.set(id, line);
    if (closing) throw new Error('the helper that runs commands is ending');
    const session = new HeldSession(request, line, gates.take(), {
      onOutput: (text, cut) => send({ type: 'output', id, text, cut }),
      onExit: (exit) => {
        // bubblewrap has ended, and with it every process of its namespace.
        releaseLine(id);
        exited.add(id);
        send({ type: 'exited', id, exit });
      },
    });
    sessions.set(id, session);
    send({ type: 'opened', id, process: session.process });
  } catch (error) {
    releaseLine(id);
    send({ type: 'refused', id, message: error instanceof Error ? error.message : String(error) });
  }
}

function releaseLine(id: number): void {
  lines.get(id)?.release();
  lines.delete(id);
}

function end(id: number, session: HeldSession): void {
  session
    .end()
    .catch(() => 0)
    .then(() => {
      sessions.delete(id);
      exited.delete(id);
      releaseLine(id);
      send({ type: 'ended', id });
    })
    .catch(() => {});
}

/**
 * Remembers descendants while they can still be traced, and says of which exited commands nothing is left: here and not
 * at the exit itself, since reading the process table would hold up the next command.
 */
function observe(): void {
  if (sessions.size === 0) return;
  const table = listProcesses();
  for (const [id, session] of sessions) {
    session.observe(table);
    if (exited.has(id) && !session.lives(table)) end(id, session);
  }
}

function close(): void {
  if (closing) return;
  closing = true;
  clearInterval(watch);
  observe();
  Promise.allSettled([...sessions.values()].map((session) => session.end()))
    .then(() => sandboxes.close())
    .then(() => gates.close())
    .finally(() => process.exit(0))
    .catch(() => {});
}

function send(message: FromLeash): void {
  // A daemon that dies in this very moment is no reason to die before what is left has been ended.
  if (process.connected) process.send?.(message, () => {});
}
