import { allCommands, type CommandNode } from './command-tree.ts';

/** For bash 3.2 (macOS's own) and later, without the bash-completion package. */
export function bashCompletion(tree: CommandNode): string {
  const nodes = allCommands(tree);
  const known = nodes.slice(1).map((node) => quote(pathOf(node)));
  const valued = new Set(
    nodes.flatMap(({ options }) => options.flatMap(({ long, value }) => (value ? [long] : []))),
  );
  const cases = nodes.map((node) => {
    const children = node.children.map(({ words }) => words.at(-1)).join(' ');
    const options = node.options.map(({ long }) => long).join(' ');
    return `    ${quote(pathOf(node))}) commands=${quote(children)} options=${quote(options)} ;;`;
  });
  return `# Completion of runmesh for bash. In ~/.bashrc: eval "$(runmesh completion bash)"
_runmesh() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at='' commands='' options='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${known.join('|')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
    ${[...valued].join('|')}) return ;; # its value: files, by bash itself
  esac
  case "$at" in
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then commands=$options; fi
  COMPREPLY=($(compgen -W "$commands" -- "$cur"))
}
complete -o default -F _runmesh runmesh
`;
}

function pathOf({ words }: CommandNode): string {
  return words.map((word) => ` ${word}`).join('');
}

/** Names of commands and options are plain words, so nothing in them ends the quotes. */
function quote(text: string): string {
  return `'${text}'`;
}
