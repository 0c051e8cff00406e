import type { DurablePayload } from '../../protocol/events.ts';

/** The lines of a unified diff without the head of the file: its name stands above. */
export function hunkLines(diff: string): string[] {
  const lines = diff.trimEnd().split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@'));
  return first === -1 ? lines : lines.slice(first);
}

export function countChanges(lines: readonly string[]): { added: number; removed: number } {
  return {
    added: lines.filter((line) => line.startsWith('+')).length,
    removed: lines.filter((line) => line.startsWith('-')).length,
  };
}

export const CHANGE_VERBS: Record<DurablePayload<'file_change'>['kind'], string> = {
  add: 'added',
  update: 'changed',
  delete: 'deleted',
  move: 'moved',
};
