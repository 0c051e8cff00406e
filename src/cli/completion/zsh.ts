import { allCommands, type CommandNode } from './command-tree.ts';

/** A function for zsh's own completion system, also where the script is sourced. */
export function zshCompletion(tree: CommandNode): string {
  const nodes = allCommands(tree);
  const known = nodes.slice(1).map((node) => quote(pathOf(node)));
  const valued = new Set(
    nodes.flatMap(({ options }) => options.flatMap(({ long, value }) => (value ? [long] : []))),
  );
  const cases = nodes.flatMap((node) => [
    `    (${quote(pathOf(node))})`,
    `      commands=(${node.children.map(({ words, description }) => describe(words.at(-1) ?? '', description)).join(' ')})`,
    `      options=(${node.options.map(({ long, description }) => describe(long, description)).join(' ')})`,
    '      ;;',
  ]);
  return `#compdef runmesh
# Completion of runmesh for zsh. Once: runmesh completion zsh > "\${fpath[1]}/_runmesh"
_runmesh() {
  local at='' i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$at $words[i]" in
      (${known.join('|')}) at="$at $words[i]" ;;
    esac
  done
  case "$words[CURRENT-1]" in
    (${[...valued].join('|')}) _files; return ;;
  esac
  case "$at" in
${cases.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe -o option options
  elif (( $#commands )); then
    _describe command commands
  else
    _files
  fi
}
if [[ $funcstack[1] == _runmesh ]]; then _runmesh "$@"; else compdef _runmesh runmesh; fi
`;
}

function pathOf({ words }: CommandNode): string {
  return words.map((word) => ` ${word}`).join('');
}

/** A name and its description, as `_describe` wants them. */
function describe(name: string, description: string): string {
  return quote(`${name}:${description.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
