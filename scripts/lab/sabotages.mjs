/**
 * Programs that break a promise on purpose, to prove that the lab would notice: what each changes in the copy, the
 * invariant it breaks, and the faults and crash points under which that shows.
 */
export const SABOTAGES = [
  {
    name: 'dedupe off',
    breaks: 'a dispatch seen twice starts one run',
    faults: ['doubled frames', 'reset link', 'kill mesh'],
    points: ['mesh.accepted.before', 'mesh.dispatch.sent'],
    edits: [{ file: 'runs/accept-order.js', find: 'if (known !== undefined) {', put: 'if (false) {' }],
  },
  {
    name: 'ack before commit',
    breaks: 'an acknowledged event is on the disk of the mesh',
    faults: ['kill mesh'],
    points: ['mesh.append.before', 'mesh.append.inside'],
    edits: [
      {
        file: 'mesh/hub/take-frame.js',
        find: 'const { run: now, added } = addEvents(core, run.id, frame);',
        put:
          'connection.acks.now(run.id, frame.events.at(-1).runSequence);' +
          ' const { run: now, added } = addEvents(core, run.id, frame);',
      },
    ],
  },
  {
    name: 'intent after spawn',
    breaks: 'a call never runs twice on its own',
    faults: ['kill daemon'],
    points: ['daemon.spawn.released', 'daemon.spawn.committed'],
    edits: [
      {
        file: 'agent/run-calls.js',
        find: 'ports.commitIntent({ callId, name, repeatable, held: tool?.held ?? false, written, outside });',
        put: ';',
      },
      {
        file: 'agent/run-calls.js',
        find: 'const output = await executeTool(tool, call.name, written, ports.toolContext(call.callId, allowed));',
        put:
          'const output = await executeTool(tool, call.name, written, ports.toolContext(call.callId, allowed));' +
          " if (ports.callState(callId) === 'none')" +
          ' ports.commitIntent({ callId, name, repeatable, held: false, written, outside });',
      },
    ],
  },
  {
    name: 'reap off',
    breaks: 'no command writes after its run has gone on',
    faults: ['kill daemon', 'kill daemon and leash'],
    points: ['daemon.outcome.after', 'daemon.step.before'],
    edits: [{ file: 'runs/recover-runs.js', find: 'await host.reap(processes);', put: '' }],
  },
  {
    name: 'epoch ignored',
    breaks: 'numbers of one journal are never taken for those of another',
    faults: ['rebuilt journal'],
    points: [],
    edits: [
      {
        file: 'mesh/hub/judge-runs.js',
        find: 'if (run.journalEpoch !== null && run.journalEpoch !== hello.journalEpoch) {',
        put: 'if (false) {',
      },
      {
        file: 'mesh/store/append-events.js',
        find: 'if (run.journalEpoch !== null && run.journalEpoch !== batch.journalEpoch) {',
        put: 'if (false) {',
      },
    ],
  },
  {
    name: 'offset off by one',
    breaks: 'a text told live is whole after a cut',
    faults: ['reset link', 'end link'],
    points: [],
    edits: [
      {
        file: 'link/delta-stream.js',
        find: 'new Map(deltas.map((told) => [keyOf(told), told]))',
        put: 'new Map(deltas.map((told) => [keyOf(told), { ...told, offset: told.offset + 1 }]))',
      },
    ],
  },
  {
    name: 'heartbeat stuck',
    breaks: 'a connection that is dead and says nothing is given up',
    faults: ['half-open link'],
    points: [],
    edits: [
      {
        file: 'link/silence.js',
        find: 'const left = longest - connection.silentMs;',
        put: 'const left = longest;',
      },
    ],
  },
  {
    name: 'usage counted on replay',
    breaks: 'usage is the sum of the committed steps',
    faults: ['kill daemon'],
    points: ['daemon.outcome.before', 'daemon.step.after'],
    edits: [
      {
        file: 'agent/usage.js',
        find: 'total = addUsage(total, event.payload.usage);',
        put:
          'total = addUsage(total, event.payload.usage);' +
          " else if (event.type === 'error' && event.payload.code === 'daemon_restarted')" +
          " total = addUsage(total, events.findLast((one) => one.type === 'assistant_message')?.payload.usage ?? NO_USAGE);",
      },
    ],
  },
].map((sabotage) => ({
  ...sabotage,
  edits: sabotage.edits.map((edit) => ({ name: sabotage.name, ...edit })),
}));
