import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What each room may import, and why no more. An arrow that stands nowhere here is forbidden with its room's reason. */
const ROOMS: Record<string, { may: string[]; why: string }> = {
  kit: { may: [], why: 'kit is words every room uses; it must not know what a run is' },
  protocol: { may: [], why: 'protocol is the wire alone, so that either end can be rewritten against it' },
  journal: {
    may: ['kit', 'protocol'],
    why: 'the journal is the truth; it must not depend on who reads or writes it',
  },
  guard: {
    may: ['kit', 'protocol'],
    why: 'the guard says what is allowed; whoever runs things asks it, never the reverse',
  },
  models: {
    may: ['kit', 'protocol'],
    why: 'a model step is a stream of words; it must not know that tools run',
  },
  device: { may: ['kit', 'protocol'], why: 'who this machine is does not depend on what it is doing' },
  control: {
    may: ['kit', 'protocol'],
    why: 'the local door works over ports, so that the thin client loads nothing heavy',
  },
  mesh: {
    may: ['kit', 'protocol'],
    why: 'the server side must be able to stand on another machine without a device room',
  },
  leash: { may: ['kit', 'protocol', 'guard'], why: 'the leash holds processes and decides nothing' },
  link: {
    may: ['kit', 'protocol', 'journal'],
    why: 'the link drains the journal; it must not know why an event exists',
  },
  service: { may: ['kit', 'device'], why: 'installing a service must not start or import the daemon' },
  doctor: {
    may: ['kit', 'protocol', 'device', 'service'],
    why: 'a look says what it sees; it must not start or hold what it looks at',
  },
  tools: {
    may: ['kit', 'protocol', 'guard', 'leash'],
    why: 'a tool reports through its context; it never touches the journal',
  },
  agent: {
    may: ['kit', 'protocol', 'models', 'tools'],
    why: 'the loop is a function of events; disk and network come as ports',
  },
  runs: {
    may: ['kit', 'protocol', 'journal', 'guard', 'agent'],
    why: 'a run lives without knowing that a socket exists',
  },
  daemon: {
    may: [
      'kit',
      'protocol',
      'journal',
      'guard',
      'models',
      'device',
      'control',
      'mesh',
      'leash',
      'link',
      'service',
      'doctor',
      'tools',
      'agent',
      'runs',
    ],
    why: 'the wiring may see every room, but not the command line that started it',
  },
  cli: {
    may: ['kit', 'protocol', 'control', 'service', 'doctor', 'device', 'daemon', 'mesh'],
    why: 'a command parses, calls and prints; the logic it calls lives in a room',
  },
  types: { may: [], why: 'declarations of packages that forgot theirs' },
};

/** Files that are allowed to be longer than 250 lines, each with its reason. */
const LONG_FILES: Record<string, string> = {};
const MAX_LINES = 250;

const files = walk(SRC).filter((file) => file.endsWith('.ts') || file.endsWith('.tsx'));

describe('the rooms of the house', () => {
  it('are exactly the folders of src', () => {
    const folders = readdirSync(SRC).filter((name) => statSync(join(SRC, name)).isDirectory());
    expect(folders.filter((folder) => !(folder in ROOMS))).toEqual([]);
  });

  it('have imports that go one way, types counted', () => {
    const forbidden: string[] = [];
    for (const file of files) {
      const from = roomOf(file);
      for (const target of importsOf(file)) {
        const to = roomOf(target);
        if (to === from || ROOMS[from]?.may.includes(to)) continue;
        forbidden.push(`${relative(SRC, file)} → ${to}/: ${ROOMS[from]?.why}`);
      }
    }
    expect(forbidden).toEqual([]);
  });

  it('have rules without a cycle among themselves', () => {
    const reaches = (from: string, seen = new Set<string>()): Set<string> => {
      for (const to of ROOMS[from]?.may ?? []) if (!seen.has(to)) reaches(to, seen.add(to));
      return seen;
    };
    expect(Object.keys(ROOMS).filter((room) => reaches(room).has(room))).toEqual([]);
  });

  it('have no import cycles between files, types counted', () => {
    const graph = new Map(files.map((file) => [file, importsOf(file)]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      const at = path.indexOf(file);
      if (at >= 0) {
        cycles.push([...path.slice(at), file].map((one) => relative(SRC, one)).join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it(`have files of at most ${MAX_LINES} lines`, () => {
    const long = files
      .map((file) => ({
        name: relative(SRC, file),
        lines: readFileSync(file, 'utf8').split('\n').length - 1,
      }))
      .filter(({ name, lines }) => lines > MAX_LINES && !(name in LONG_FILES))
      .map(({ name, lines }) => `${name}: ${lines}`);
    expect(long).toEqual([]);
  });

  it('have no barrel files', () => {
    expect(files.filter((file) => /\/index\.tsx?$/.test(file)).map((file) => relative(SRC, file))).toEqual(
      [],
    );
  });
});

function walk(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(dir, entry.name)) : [join(dir, entry.name)],
  );
}

function roomOf(file: string): string {
  return relative(SRC, file).split('/')[0] ?? '';
}

/** Files of ours that `file` imports: static, dynamic and type imports alike. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)['"](\.[^'"]+)['"]/g);
  return [...found]
    .map((match) => resolve(dirname(file), match[1] ?? ''))
    .filter((target) => target.startsWith(SRC));
}
