/** What a point at the daemon's start, or at its stop, is reached by. */
const AT_START = { when: 'start', nth: 1 };
const IDLE_START = { when: 'idle', nth: 1 };
/** Only where commands are in a sandbox is there something to ask. */
const ASKED = { when: 'ask', nth: 1 };
const AT_STOP = { when: 'stop', nth: 1 };

/**
 * The named crash points: the text `find` that stands in `file` of build/ exactly once, and what is put there, `@` being
 * the point itself. `when` says what takes the program through it: its work, its start, a start with nothing to do, its stop, an order of a caller
 * (cancel, steer), a question to the owner, or a run that is cancelled before its device took it. `nth` bounds the pass that kills.
 */
export const POINTS = [
  ...inFile('runs/accept-order.js', [
    before('daemon.accept.before', 'acceptRun(journal, masked, origin);', { nth: 1 }),
    after('daemon.accept.after', 'acceptRun(journal, masked, origin);', { nth: 1 }),
  ]),
  ...inFile('runs/end-run.js', [
    before('daemon.final.before', 'finishRun(journal, runId, end);', { nth: 1 }),
  ]),
  ...inFile('runs/runs.js', [before('daemon.final.after', 'entry.deadline.abort();', { nth: 1 })]),
  ...inFile('agent/run-step.js', [
    before('daemon.step.before', 'return ports.commitStep(said);'),
    {
      name: 'daemon.step.after',
      find: 'return ports.commitStep(said);',
      put: 'const kept = ports.commitStep(said); @; return kept;',
    },
  ]),
  ...inFile('agent/run-calls.js', [
    before('daemon.intent.before', 'ports.commitIntent({'),
    before('daemon.intent.after', 'const output = await executeTool('),
    before('daemon.outcome.before', 'events.push(...ports.commitOutcome(call.callId, outcome));'),
    after('daemon.outcome.after', 'events.push(...ports.commitOutcome(call.callId, outcome));'),
  ]),
  ...inFile('runs/approvals.js', [
    before(
      'daemon.ask.before',
      "commitEvent(runId, { type: 'approval_requested', payload: request });",
      ASKED,
    ),
    after('daemon.ask.after', "commitEvent(runId, { type: 'approval_requested', payload: request });", ASKED),
    before('daemon.answer.before', "commitEvent(runId, { type: 'approval_resolved', payload });", ASKED),
    before(
      'daemon.answer.heeded',
      'if (ports.subjectOf(judged.ask, workspace.root) !== request.subject)',
      ASKED,
    ),
  ]),
  ...inFile('link/session.js', [
    {
      ...ASKED,
      name: 'daemon.answer.after',
      find: 'this.#answer(frame, orders.approve(runId, approvalId, { decision, ...(words !== undefined && { words }) }));',
      put:
        'const taken = orders.approve(runId, approvalId, { decision, ...(words !== undefined && { words }) });' +
        ' @; this.#answer(frame, taken);',
    },
  ]),
  ...inFile('tools/exec/run-sessions.js', [
    before('daemon.spawn.before', 'const leashed = await this.#open('),
    before('daemon.spawn.opened', 'context.onProcessStarted(session.id, leashed.process);'),
    after('daemon.spawn.committed', 'context.onProcessStarted(session.id, leashed.process);'),
    after('daemon.spawn.released', 'session.release();'),
  ]),
  ...inFile('journal/append-events.js', [
    before('daemon.append.inside', "journal.statements.get('UPDATE runs SET committed"),
  ]),
  ...inFile('link/outbox.js', [
    before('daemon.send.before', 'this.#options.send({'),
    after('daemon.send.after', 'run.sent = sized.at(-1)?.event.runSequence ?? run.sent;'),
    before('daemon.ack.before', 'recordAck(this.#options.journal, runId, runSequence);'),
    after('daemon.ack.after', 'recordAck(this.#options.journal, runId, runSequence);'),
  ]),
  ...inFile('kit/sqlite.js', [
    before('daemon.migrate.copying', 'renameSync(part, backup);', AT_START),
    after('daemon.migrate.copied', 'renameSync(part, backup);', AT_START),
    after('daemon.migrate.done', 'PRAGMA user_version = ${index + 1}; COMMIT;`);', AT_START),
  ]),
  ...inFile('runs/recover-runs.js', [
    before('daemon.reaped', 'return listUnfinished(journal).flatMap(', AT_START),
  ]),
  ...inFile('daemon/daemon.js', [
    after('daemon.resumed', 'await recovered.catch(giveUp);', AT_START),
    after('daemon.drain.begun', 'link?.drain(reason);', AT_STOP),
    {
      ...AT_STOP,
      name: 'daemon.drain.done',
      find: 'link: () => link?.stop(LAST_ACKS_MS)',
      put: 'link: () => { @; return link?.stop(LAST_ACKS_MS); }',
    },
  ]),
  ...inFile('journal/prune.js', [
    before('daemon.prune.before', 'const gone = commit(journal, ', AT_START),
    before('daemon.prune.after', 'total += gone;', AT_START),
  ]),
  ...inFile('journal/truncate-wal.js', [
    before(
      'daemon.checkpoint.before',
      "journal.statements.get('PRAGMA wal_checkpoint(TRUNCATE)')",
      IDLE_START,
    ),
    after(
      'daemon.checkpoint.after',
      "journal.statements.get('PRAGMA wal_checkpoint(TRUNCATE)').get();",
      IDLE_START,
    ),
  ]),
  ...inFile('link/handshake.js', [
    before('daemon.hello.before', 'const { deviceId, agentVersion, os, hostname } = identity;', AT_START),
    before('daemon.hello.sent', "return connection.expect('welcome');", AT_START),
  ]),
  ...inFile('link/link.js', [
    after('daemon.goodbye', "session?.connection.close('normal', 'goodbye');", AT_STOP),
  ]),
  ...inFile('daemon/open-executor.js', [
    {
      ...AT_STOP,
      name: 'daemon.close.before',
      find: 'journal: () => journal.close()',
      put: 'journal: () => { @; journal.close(); }',
    },
    {
      ...AT_STOP,
      name: 'daemon.close.after',
      find: 'lock: () => lock.release()',
      put: 'lock: () => { @; lock.release(); }',
    },
  ]),
  ...inFile('mesh/runs/register-run.js', [
    before('mesh.register.inside', 'return { run, repeated: false };', { nth: 1 }),
  ]),
  ...inFile('mesh/http/routes/runs.js', [
    before('mesh.register.after', 'services.log.info({ runId: run.id, agent: run.agentSlug', { nth: 1 }),
  ]),
  ...inFile('mesh/hub/serve-device.js', [
    after('mesh.dispatch.sent', 'connection.sendText(dispatchText(core, run));', { nth: 1 }),
  ]),
  ...inFile('mesh/hub/take-frame.js', [
    before('mesh.accepted.before', 'markRunAccepted(core.store, run.id, connection.journalEpoch', { nth: 1 }),
    before('mesh.append.before', 'const { run: now, added } = addEvents(core, run.id, frame);'),
    after('mesh.append.after', 'const { run: now, added } = addEvents(core, run.id, frame);'),
    before('mesh.order.answered', 'answerOrder(core.store, frame.orderId, frame);', {
      when: 'order',
      nth: 1,
    }),
  ]),
  ...inFile('mesh/store/append-events.js', [before('mesh.append.inside', 'const last = fresh.at(-1);')]),
  ...inFile('mesh/hub/connection.js', [
    {
      name: 'mesh.ack.sent',
      find: "this.send({ type: 'ack', runId, runSequence }));",
      put: "{ this.send({ type: 'ack', runId, runSequence }); @; });",
    },
  ]),
  ...inFile('mesh/runs/order-run.js', [
    after(
      'mesh.order.stored',
      'insertOrder(services.store, { id, runId: run.id, kind, text }, services.clock.now());',
      {
        when: 'order',
        nth: 1,
      },
    ),
  ]),
  ...inFile('mesh/runs/end-run.js', [
    before('mesh.end.inside', 'recordEnd(store, runId, payload, now);', { when: 'unmet', nth: 1 }),
    before('mesh.end.after', 'core.live.publish(stored.run, stored.events, true);', {
      when: 'unmet',
      nth: 1,
    }),
  ]),
];

function inFile(file, points) {
  return points.map((point) => ({ when: 'work', nth: 4, file, role: point.name.split('.')[0], ...point }));
}

/** An expression takes the point along by a comma, so that it may stand behind an `if` without braces. */
function before(name, find, more = {}) {
  return { name, find, put: /^(const|return|if) /.test(find) ? `@; ${find}` : `@, ${find}`, ...more };
}

function after(name, find, more = {}) {
  return { name, find, put: `${find} @;`, ...more };
}
