/**
 * What callers ask for in a cycle: two or three runs of three to eight calls, most of which append to the witness file
 * (outside of every journal), some of which leave behind what is hard to end, some of which only read.
 */
export function planWork(random, { cycle, witness, asks, aims }) {
  const kinds = ['plain', 'plain'];
  if (random.chance(0.5)) kinds.push(random.pick(['plain', 'together', 'deadline']));
  if (aims.includes('order') || random.chance(0.25)) kinds[1] = random.pick(['cancelled', 'steered']);
  return kinds.map((kind, n) =>
    planRun(random, {
      kind,
      run: `c${cycle}${'abc'[n]}`,
      witness,
      asks,
      asksFirst: aims.includes('ask') && n < 2,
    }),
  );
}

/**
 * A run of a kind. `together`: in the thread of the first run. `unmet`: cancelled before a device took it. `askAfterMs`: when its caller cancels, or steers. */
export function planRun(random, { kind, run, witness, asks, asksFirst }) {
  let call = 0;
  const steps = Array.from({ length: random.between(2, kind === 'deadline' ? 3 : 6) }, () => {
    const id = `${run}_${call}`;
    call += 1;
    const how = random.unit();
    const sayAndCalls = (calls) => ({ say: random.pick(WORDS), wordMs: random.pick([0, 0, 2, 8]), calls });
    if (kind === 'deadline') return sayAndCalls([exec(id, append(witness, run, id, 0.9))]);
    if (asks && (how > 0.9 || (asksFirst && call === 1))) return sayAndCalls([askToLeave(run, id)]);
    if (how < 0.12) {
      call += 1;
      const args = { path: '.' };
      return sayAndCalls([
        { id, name: 'list_directory', args },
        { id: `${id}r`, name: 'list_directory', args },
      ]);
    }
    if (how < 0.34) return sayAndCalls([exec(id, leaveBehind(random, witness, run, id))]);
    return sayAndCalls([exec(id, append(witness, run, id, random.between(1, 9) / 100))]);
  });
  if (random.chance(0.12)) steps.push(...typing(run, witness, call));
  const slow = random.chance(0.2);
  return {
    kind,
    run,
    askAfterMs: random.between(50, 500),
    // So long that no clock jump reaches it.
    deadlineMs: kind === 'deadline' ? 1_200 : 20 * 86_400_000,
    order: { lab: run, steps, end: `${random.pick(WORDS)} `.repeat(slow ? 10 : 2), endWordMs: slow ? 25 : 1 },
  };
}

function exec(id, cmd) {
  return { id, name: 'exec_command', args: { cmd, login: false } };
}

/**
 * Asks to leave the sandbox. An answer is bound to the files that a command names, and the witness changes all the time: so
 * it is a script that names it.
 */
function askToLeave(run, id) {
  const args = { cmd: `sh append ${run} ${id} begin`, login: false, with_escalated_permissions: true };
  return { id, name: 'exec_command', args: { ...args, justification: 'The lab asks.' } };
}

/** A line when the call begins and one when it ends; the life it runs in is in its environment. */
function append(witness, run, id, seconds) {
  const line = (what) => `echo "$LC_LAB ${run} ${id} ${what}" >> ${witness}`;
  return `${line('begin')}; sleep ${seconds}; ${line('end')}`;
}

/** Ends at once, and leaves a process that ignores what it can and goes on writing. */
function leaveBehind(random, witness, run, id) {
  const beats = `for n in $(seq 200); do echo "$LC_LAB ${run} ${id} beat" >> ${witness}; sleep 0.04; done`;
  const way = random.pick([
    `(trap '' HUP TERM INT; ${beats}) > /dev/null 2>&1 &`,
    `setsid sh -c '${beats}' > /dev/null 2>&1 &`,
    `nohup sh -c '${beats}' > /dev/null 2>&1 &`,
    `(setsid sh -c "trap '' HUP TERM; ${beats.replaceAll('"', '\\"').replaceAll('$', '\\$')}" &) > /dev/null 2>&1`,
  ]);
  return `echo "$LC_LAB ${run} ${id} begin" >> ${witness}; ${way} sleep 0.05`;
}

/** A command that is left running and typed into. */
function typing(run, witness, call) {
  const id = `${run}_${call}`;
  const cmd = `while read -r word; do echo "$LC_LAB ${run} ${id} typed-$word" >> ${witness}; done`;
  const type = (n) => ({
    say: 'Typing.',
    wordMs: 0,
    calls: [{ id: `${id}t${n}`, name: 'write_stdin', args: { session_id: '$SESSION', chars: `${n}\n` } }],
  });
  const open = { id, name: 'exec_command', args: { cmd, login: false, yield_time_ms: 250 } };
  return [{ say: 'A session.', wordMs: 0, calls: [open] }, type(1), type(2)];
}

const WORDS = [
  'Looking at it. 🌱 The house stands, 日本語も, and ends here.',
  'Next 👩‍👩‍👧 comes the part with emoji 🏳️‍🌈, cut at any place.',
  'Plain words without anything special, but some more of them than before.',
  '🌊🌊🌊🌊🌊🌊🌊🌊🌊🌊🌊🌊',
];
