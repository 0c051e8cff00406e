import { messageOf } from '../kit/errors.ts';
import { Wake } from '../kit/wake.ts';
import { type Connection, ConnectionLost, type Loss } from './connection.ts';
import { connect } from './handshake.ts';
import { HerePublisher } from './here-publisher.ts';
import { FIRST, type LinkInput, type LinkState, next } from './link-state.ts';
import type { Link, LinkOptions } from './ports.ts';
import { Session } from './session.ts';
import { probe } from './silence.ts';

/**
 * The link: one reconcile loop over a pure machine. It looks at the state, does what the state asks (wait, connect,
 * serve), and tells the machine what came of it. Every event from outside sets something and wakes the loop by name;
 * what a run has to say waits in the journal, so a link that is down loses nothing.
 */
export function createLink(options: LinkOptions): Link {
  const { journal, clock, random, log, identity, say } = options;
  const wake = new Wake<'woke' | 'stop'>();
  const publisher = new HerePublisher({ ...options, forget: options.orders.forget, say: () => {} });
  const over = new AbortController();
  let state: LinkState = FIRST;
  let session: Session | undefined;
  let heardAt: number | undefined;
  let lastLoss = '';
  /** Why this device takes nothing new; every later connection is told too. */
  let draining: string | undefined;
  /** Counts them: one that came while a hello was under way is told once there is a session. */
  let offers = 0;

  const tell = (input: LinkInput): void => {
    state = next(state, input, clock.monotonic(), random.unit());
  };

  const waitForTurn = async (until: number, doing: string): Promise<void> => {
    say(doing);
    const reasons = await wake.wait(clock, Math.max(0, until - clock.monotonic()), over.signal);
    tell({ type: over.signal.aborted ? 'stop' : reasons.has('woke') ? 'woke' : 'due' });
  };

  const sendOffer = (): void =>
    session?.connection.send({ type: 'capabilities', capabilities: identity.capabilities() });

  const connectOnce = async (): Promise<void> => {
    say(`connecting to ${identity.meshUrl}`);
    const before = offers;
    let connection: Connection | undefined;
    try {
      const welcomed = await connect(identity, journal, options.socketOptions, clock, over.signal);
      const { welcome } = welcomed;
      connection = welcomed.connection;
      if (over.signal.aborted) {
        connection.close('normal', 'goodbye');
        return lost({ reason: 'asked to stop' });
      }
      session = new Session(connection, welcome, options);
      if (offers !== before) sendOffer();
      if (draining !== undefined) connection.send({ type: 'drain', reason: draining });
      tell({ type: 'welcomed' });
      log.info({ sessionId: welcome.sessionId }, 'link is up');
      options.onOnline(welcome.sessionId);
    } catch (error) {
      // Open and served by nobody, it would have the mesh take this device for online.
      connection?.close('normal', 'the session could not begin');
      session = undefined;
      lost(error instanceof ConnectionLost ? error.loss : { reason: messageOf(error) });
    }
  };

  const serve = async (current: Session): Promise<void> => {
    say('connected');
    const loss = await current.serve();
    heardAt = clock.monotonic() - current.connection.silentMs;
    session = undefined;
    lost(loss);
  };

  const lost = ({ reason, ...loss }: Loss): void => {
    lastLoss = reason.slice(0, LONGEST_REASON);
    tell(over.signal.aborted ? { type: 'stop' } : { type: 'lost', ...loss });
    log.info({ reason, code: loss.code, state: state.at }, 'link is down');
  };

  return {
    run: async () => {
      const publishing = publisher.run(over.signal);
      while (state.at !== 'stopped') {
        if (state.at === 'waiting') {
          const seconds = Math.ceil((state.until - clock.monotonic()) / 1_000);
          await waitForTurn(
            state.until,
            `waiting ${seconds} s before try ${state.memory.tries + 1} (${lastLoss})`,
          );
        } else if (state.at === 'online' && session !== undefined) await serve(session);
        else await connectOnce();
      }
      say(`stopped: ${state.why}`);
      if (state.why !== 'asked') options.onStopped(state.why);
      over.abort();
      await publishing;
    },

    committed: (runId) => {
      session?.committed(runId);
      publisher.committed();
    },
    delta: (runId, delta) => session?.delta(runId, delta),
    settle: (runId) => session?.settle(runId),
    woke: () => {
      if (session === undefined) return wake.wake('woke');
      // Kept while the link is up, it would cancel a wait that has nothing to do with it: a drain's, say.
      probe(session.connection, clock, over.signal)
        .then((isThere) => isThere || wake.wake('woke'))
        .catch((error) => log.warn({ reason: messageOf(error) }, 'a probe broke'));
    },
    offer: () => {
      offers += 1;
      sendOffer();
    },
    drain: (reason) => {
      draining = reason;
      session?.connection.send({ type: 'drain', reason });
    },

    stop: async (ms) => {
      const deadline = clock.monotonic() + ms;
      while (session !== undefined && !session.settled && clock.monotonic() < deadline) await clock.sleep(20);
      over.abort();
      session?.connection.send({ type: 'goodbye', reason: 'the agent on this device stops' });
      session?.connection.close('normal', 'goodbye');
      wake.wake('stop');
    },

    status: () => ({
      state: state.at,
      sessionId: session?.sessionId,
      lastHeardMs:
        session?.connection.silentMs ?? (heardAt === undefined ? undefined : clock.monotonic() - heardAt),
    }),
  };
}

/** UTF-16 units of what the other side may have written. */
const LONGEST_REASON = 200;
