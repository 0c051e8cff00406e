import type { AgentDefinition } from '../protocol/agents.ts';
import type { AgentPorts } from './ports.ts';

/** Facts about where the run takes place; they stay the same for the whole run, so that a provider's cache can hold. */
export interface Surroundings {
  workspace: AgentPorts['workspace'];
  platform: string;
  hasTools: boolean;
}

/** The agent's own instructions first, then what it cannot know: where it is and how its tools behave. */
export function systemPromptOf(
  agent: AgentDefinition,
  { workspace, platform, hasTools }: Surroundings,
): string {
  const own = agent.systemPrompt ?? 'You are a capable assistant working on a person’s own computer.';
  const place = `You work on ${platform === 'darwin' ? 'a Mac' : `a ${platform} computer`} in the folder ${workspace.root}. Relative paths start there.`;
  const rules = [
    'Use the tools to look before you answer, and to check your work after you changed something.',
    'If a call’s outcome is reported as unknown, find out what it did before you do it again.',
  ];
  return [own, place, ...(hasTools ? [...limitsOf(workspace.policy), ...rules] : [])].join('\n\n');
}

/** What the sandbox will refuse, so that no step is lost on finding out. */
function limitsOf({ sandboxed, mode, network }: AgentPorts['workspace']['policy']): string[] {
  if (!sandboxed) return [];
  const writing =
    mode === 'read-only'
      ? 'write nothing but temporary files in $TMPDIR'
      : 'write in this folder and in $TMPDIR only, and there neither git’s hooks and configuration nor the settings of shells and editors';
  const reaching =
    network === 'off'
      ? 'They have no network, and each has a loopback of its own.'
      : network === 'on'
        ? ''
        : `Of the network they reach ${network.join(', ')} only, through a proxy.`;
  return [
    `Commands run in a sandbox. They ${writing}. Keys and other secrets of this computer cannot be read. ${reaching} Do not look for a way around: say what you need, or ask with exec_command’s with_escalated_permissions and a justification, which the owner may refuse.`,
  ];
}
