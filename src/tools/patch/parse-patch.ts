import { RunmeshError } from '../../kit/errors.ts';

/** A line of a hunk: it stays, it goes, or it comes. */
export interface HunkLine {
  kind: 'keep' | 'remove' | 'add';
  text: string;
}

export interface Hunk {
  /** Lines that stand somewhere above the change, outermost first: a class, then its method. */
  contexts: string[];
  lines: HunkLine[];
  /** The change is at the end of the file. */
  atEnd: boolean;
  /** The line of the patch where the hunk begins, from 1. */
  patchLine: number;
}

/** One section of a patch, as written; nothing is known yet of the files it names. */
export type FilePatch =
  | { kind: 'add'; path: string; text: string }
  | { kind: 'delete'; path: string }
  | { kind: 'update'; path: string; movedTo?: string; hunks: Hunk[] };

/**
 * Reads a patch in the format of the Codex CLI:
 *
 *     *** Begin Patch
 *     *** Add File: PATH        followed by lines with +
 *     *** Delete File: PATH
 *     *** Update File: PATH     perhaps followed by *** Move to: PATH, then by hunks
 *     @@ CONTEXT                opens a hunk; several may follow each other; lines begin with space, - or +
 *     *** End of File           closes a hunk that is at the end of the file
 *     *** End Patch
 *
 * Lenient as models need it: blanks around markers, a shell's here-document around the patch, a first hunk without
 * `@@`, an empty line for an empty context line. Throws `patch_invalid`, and nothing else, for any text.
 */
export function parsePatch(patch: string): FilePatch[] {
  const reader = new PatchReader(patchLines(patch));
  const sections: FilePatch[] = [];
  for (;;) {
    reader.skipBlank();
    if (reader.atEnd()) break;
    sections.push(readSection(reader));
  }
  if (sections.length === 0) throw invalid('The patch has no file section.');
  return sections;
}

interface NumberedLine {
  text: string;
  number: number;
}

/** The lines between the markers. */
function patchLines(patch: string): NumberedLine[] {
  let lines = patch.split('\n').map((line, index) => ({ text: line.replace(/\r$/, ''), number: index + 1 }));
  const blank = (line: NumberedLine | undefined) => line !== undefined && line.text.trim() === '';
  while (blank(lines[0])) lines = lines.slice(1);
  while (blank(lines.at(-1))) lines.pop();
  const heredoc = /^(?:apply_patch\s+)?<<-?\s*(["']?)(\w+)\1$/.exec(lines[0]?.text.trim() ?? '');
  if (heredoc !== null && lines.at(-1)?.text.trim() === heredoc[2]) lines = lines.slice(1, -1);
  if (lines[0]?.text.trim() !== BEGIN) throw invalid(`The first line of a patch must be "${BEGIN}".`);
  if (lines.length < 2 || lines.at(-1)?.text.trim() !== END) {
    throw invalid(`The last line of a patch must be "${END}".`);
  }
  return lines.slice(1, -1);
}

class PatchReader {
  readonly #lines: NumberedLine[];
  #next = 0;

  constructor(lines: NumberedLine[]) {
    this.#lines = lines;
  }

  peek(): NumberedLine | undefined {
    return this.#lines[this.#next];
  }

  take(): NumberedLine | undefined {
    const line = this.#lines[this.#next];
    this.#next += 1;
    return line;
  }

  atEnd(): boolean {
    return this.#next >= this.#lines.length;
  }

  skipBlank(): void {
    while (this.peek()?.text.trim() === '') this.#next += 1;
  }
}

function readSection(reader: PatchReader): FilePatch {
  const header = reader.take() ?? { text: '', number: 0 };
  const text = header.text.trim();
  const path = (marker: string) => pathAfter(marker, text, header.number);
  if (text.startsWith(ADD)) return { kind: 'add', path: path(ADD), text: readAddedText(reader) };
  if (text.startsWith(DELETE)) return { kind: 'delete', path: path(DELETE) };
  if (text.startsWith(UPDATE)) return readUpdate(reader, path(UPDATE), header.number);
  throw invalid(
    `Line ${header.number} of the patch, ${quote(header.text)}, is no file header. A section begins with "${ADD}PATH", "${DELETE}PATH" or "${UPDATE}PATH", and every line of an added file with +.`,
  );
}

function readAddedText(reader: PatchReader): string {
  let text = '';
  for (let line = reader.peek(); line?.text.startsWith('+'); line = reader.peek()) {
    text += `${line.text.slice(1)}\n`;
    reader.take();
  }
  return text;
}

function readUpdate(reader: PatchReader, path: string, number: number): FilePatch {
  const move = reader.peek();
  const moves = move?.text.trim().startsWith(MOVE) ?? false;
  if (moves) reader.take();
  const movedTo = moves ? pathAfter(MOVE, move?.text.trim() ?? '', move?.number ?? number) : undefined;
  const hunks: Hunk[] = [];
  for (;;) {
    reader.skipBlank();
    const line = reader.peek();
    if (line === undefined || isHeader(line.text)) break;
    hunks.push(readHunk(reader, line, hunks.length === 0));
  }
  if (hunks.length === 0 && movedTo === undefined) {
    throw invalid(`The update of ${path} at line ${number} of the patch has no hunk.`);
  }
  return { kind: 'update', path, ...(movedTo !== undefined && { movedTo }), hunks };
}

function readHunk(reader: PatchReader, first: NumberedLine, mayLackContext: boolean): Hunk {
  const hunk: Hunk = { contexts: [], lines: [], atEnd: false, patchLine: first.number };
  if (!isContext(first.text) && !mayLackContext) {
    throw invalid(`Line ${first.number} of the patch, ${quote(first.text)}, should open a hunk with @@.`);
  }
  for (let line = reader.peek(); line !== undefined && isContext(line.text); line = reader.peek()) {
    const context = line.text.trimEnd().slice(3).replace(LINE_RANGES, '');
    if (context !== '') hunk.contexts.push(context);
    reader.take();
  }
  let emptyLines = 0;
  for (let line = reader.peek(); line !== undefined; line = reader.peek()) {
    if (line.text.trim() === END_OF_FILE) {
      hunk.atEnd = true;
      reader.take();
      break;
    }
    if (isContext(line.text) || isHeader(line.text)) break;
    emptyLines = line.text === '' ? emptyLines + 1 : 0;
    hunk.lines.push(readHunkLine(line));
    reader.take();
  }
  // Empty lines before the next header are separators, not context.
  hunk.lines.length -= emptyLines;
  if (hunk.lines.length === 0) throw invalid(`The hunk at line ${first.number} of the patch has no lines.`);
  return hunk;
}

function readHunkLine({ text, number }: NumberedLine): HunkLine {
  if (text === '') return { kind: 'keep', text: '' };
  const kind = LINE_KINDS[text.charAt(0)];
  if (kind !== undefined) return { kind, text: text.slice(1) };
  throw invalid(
    `Line ${number} of the patch, ${quote(text)}, should begin with a space (context), - (removed) or + (added).`,
  );
}

function isContext(text: string): boolean {
  return text.trimEnd() === '@@' || text.startsWith('@@ ');
}

/** A line with *** at its very start; context lines have a space before theirs. */
function isHeader(text: string): boolean {
  return text.startsWith('*** ') && text.trim() !== END_OF_FILE;
}

function pathAfter(marker: string, text: string, number: number): string {
  const path = text.slice(marker.length).trim();
  if (path === '') throw invalid(`Line ${number} of the patch names no file.`);
  return path;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

function invalid(message: string): RunmeshError {
  return new RunmeshError('patch_invalid', message);
}

const BEGIN = '*** Begin Patch';
const END = '*** End Patch';
const ADD = '*** Add File: ';
const DELETE = '*** Delete File: ';
const UPDATE = '*** Update File: ';
const MOVE = '*** Move to: ';
const END_OF_FILE = '*** End of File';
/** What a unified diff writes after @@; models mix the two formats up. */
const LINE_RANGES = /^-\d+(?:,\d+)? \+\d+(?:,\d+)? @@ ?/;
const LINE_KINDS: Readonly<Record<string, HunkLine['kind']>> = { ' ': 'keep', '-': 'remove', '+': 'add' };
