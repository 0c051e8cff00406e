import type { AgentDefinition } from '../protocol/agents.ts';

/** Facts about where the run takes place; they stay the same for the whole run, so that a provider's cache can hold. */
export interface Surroundings {
  workspace: string;
  platform: string;
  hasTools: boolean;
}

/** The agent's own instructions first, then what it cannot know: where it is and how its tools behave. */
export function systemPromptOf(
  agent: AgentDefinition,
  { workspace, platform, hasTools }: Surroundings,
): string {
  const own = agent.systemPrompt ?? 'You are a capable assistant working on a person’s own computer.';
  const place = `You work on ${platform === 'darwin' ? 'a Mac' : `a ${platform} computer`} in the folder ${workspace}. Relative paths start there.`;
  const rules = [
    'Use the tools to look before you answer, and to check your work after you changed something.',
    'If a call’s outcome is reported as unknown, find out what it did before you do it again.',
  ];
  return [own, place, ...(hasTools ? rules : [])].join('\n\n');
}
