/**
 * The words of a command that is one program with plain words, as every shell reads it: letters, digits, a few signs, and
 * quotes with nothing in them that a shell would expand. `undefined` for all else (pipes, redirections, substitutions,
 * patterns, assignments, line ends, escapes, letters beyond ASCII), since what a shell makes of those is not worth a guess.
 */
export function simpleWords(command: string): string[] | undefined {
  const words: string[] = [];
  let rest = command;
  for (;;) {
    rest = rest.replace(/^[ \t]+/, '');
    if (rest === '') break;
    const word = WORD.exec(rest)?.[0];
    if (word === undefined || !/^(?:[ \t]|$)/.test(rest.slice(word.length))) return undefined;
    words.push(
      word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
    );
    rest = rest.slice(word.length);
  }
  const [program] = words;
  // `A=b program` sets a variable, and a word of a shell's own language is no program.
  return program === undefined || program.includes('=') || SHELL_WORDS.has(program) ? undefined : words;
}

/** Pieces between the signs that part commands: an estimate from above of how many a command line runs. */
export function countSegments(command: string): number {
  return command.split(/[;&|\n\r`]|\$\(/).length;
}

/** `~` expands at a word's beginning and after `:`, `=` before it may assign; both are left out but within a word. */
const WORD = /^(?:[A-Za-z0-9_./:@%+,-](?:[A-Za-z0-9_./:@%+,=-])*|'[ -&(-~]*'|"[ #%-[\]^_a-~]*")+/;

const SHELL_WORDS: ReadonlySet<string> = new Set(
  '. alias bg break builtin case cd command continue declare do done elif else esac eval exec exit export fc fg fi for function getopts hash if in jobs let local logout popd pushd read readonly return select set shift source suspend then time times trap typeset ulimit umask unalias unset until wait while coproc noglob nocorrect repeat foreach end'.split(
    ' ',
  ),
);
