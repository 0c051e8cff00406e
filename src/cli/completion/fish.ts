import { allCommands, type CommandNode, type OptionNode } from './command-tree.ts';

/** Plain `complete` lines, each bound to the command it belongs to. */
export function fishCompletion(tree: CommandNode): string {
  const nodes = allCommands(tree);
  const known = nodes.slice(1).map((node) => quote(pathOf(node)));
  return `# Completion of runmesh for fish. Once: runmesh completion fish > ~/.config/fish/completions/runmesh.fish
function __runmesh_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${known.join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c runmesh -e
${nodes.flatMap(linesOf).join('\n')}
`;
}

function linesOf(node: CommandNode): string[] {
  const here = `complete -c runmesh -n ${quote(`__runmesh_at ${quote(pathOf(node))}`)}`;
  const children = node.children.map(
    ({ words, description }) => `${here} -f -a ${words.at(-1)} -d ${quote(description)}`,
  );
  return [
    ...children,
    ...node.options.map((option) => `${here} ${flagsOf(option)} -d ${quote(option.description)}`),
  ];
}

function flagsOf({ long, short, value }: OptionNode): string {
  const name = `-l ${long.replace(/^--/, '')}`;
  return [name, ...(short ? [`-s ${short.slice(1)}`] : []), ...(value ? ['-r'] : [])].join(' ');
}

function pathOf({ words }: CommandNode): string {
  return words.map((word) => ` ${word}`).join('');
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
