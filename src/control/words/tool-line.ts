import type { DurablePayload } from '../../protocol/events.ts';

/** `exec_command npm test`: the tool's name and the argument that says most, as the model wrote them. */
export function describeCall(call: Pick<DurablePayload<'tool_call'>, 'name' | 'arguments'>): string {
  return `${call.name} ${tellingArgument(call.arguments)}`.trim();
}

/** `nonzero` is a call that went well and whose command did not. */
export function toolSign(status: DurablePayload<'tool_result'>['status'] | 'nonzero'): {
  sign: string;
  colour: 'green' | 'red' | 'yellow';
} {
  if (status === 'completed') return { sign: '✓', colour: 'green' };
  if (status === 'nonzero') return { sign: '✗', colour: 'yellow' };
  return status === 'failed' ? { sign: '✗', colour: 'red' } : { sign: '–', colour: 'yellow' };
}

/** The arguments come as the model wrote them, so they may be no JSON at all. */
function tellingArgument(json: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return json;
  }
  if (typeof parsed !== 'object' || parsed === null) return json;
  const values = parsed as Record<string, unknown>;
  for (const name of TELLING_NAMES) {
    const value = values[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  const files = typeof values.input === 'string' ? filesOfPatch(values.input) : [];
  if (files.length > 0) return files.join(', ');
  return Object.keys(values).length === 0 ? '' : json;
}

function filesOfPatch(patch: string): string[] {
  return [...patch.matchAll(/^\*\*\* (?:Add|Update|Delete) File: (.+)$/gm)].map((match) => match[1] ?? '');
}

const TELLING_NAMES = ['cmd', 'command', 'pattern', 'query', 'path', 'url', 'chars'];
