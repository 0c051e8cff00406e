/** Words and variables as a POSIX shell reads them back, byte for byte. */

export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Shell text that exports the variables and makes the words `$@`. A name that no shell can hold is left out. */
export function shellText(words: readonly string[], variables: Readonly<Record<string, string>>): string {
  const exports = Object.entries(variables).flatMap(([name, value]) =>
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? [`export ${name}=${quoteWord(value)}`] : [],
  );
  return [...exports, `set -- ${words.map(quoteWord).join(' ')}`].join('\n');
}
