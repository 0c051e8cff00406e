/** What stands in the way of runs, as the rest of a sentence. A reason of a newer daemon is shown by its name. */
export function describePause(reason: string): string {
  return WORDS[reason] ?? reason;
}

const WORDS: Readonly<Record<string, string>> = {
  owner: 'you paused it (`runmesh resume` goes on)',
  disk_full: 'the disk is full (free some space; it goes on by itself)',
  draining: 'the daemon is stopping',
  secrets_locked: 'this device’s secrets cannot be read (`runmesh status` says why)',
};
