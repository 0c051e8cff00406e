import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * A `runmesh` command as a process of its own. `line(type)` answers the first line of its `--json` output of that type,
 * seen already or yet to come, and throws when the process ends without it.
 */
export function command({ program, args, env, nodeArgs = [] }) {
  const child = spawn(process.execPath, [...nodeArgs, program, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = [];
  const waiting = [];
  let said = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) lines.push(JSON.parse(line));
    for (const tell of waiting.splice(0)) tell();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said = (said + text).slice(-MOST_UNITS);
  });
  const exited = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const line = async (type) => {
    for (let ended = false; ; ) {
      const match = lines.find((one) => one.type === type);
      if (match) return match;
      if (ended)
        throw new Error(`runmesh ${args[0]} ended without ${type}: ${said || JSON.stringify(lines)}`);
      const more = new Promise((resolve) => waiting.push(() => resolve(false)));
      ended = await Promise.race([more, exited.then(() => true)]);
    }
  };
  return { child, lines, line, exited, stderr: () => said };
}

const MOST_UNITS = 20_000;
