import { describe, expect, it } from 'vitest';
import { closeEach } from '../../src/daemon/close-each.ts';
import { createLog } from '../../src/kit/log.ts';

describe('closing the parts of a daemon', () => {
  it('closes them in their order, those after one that fails too, and logs which failed', async () => {
    const said: string[] = [];
    const closed: string[] = [];
    const log = createLog({ level: 'info', destination: { write: (line: string) => void said.push(line) } });
    await closeEach(log, {
      door: async () => void closed.push('door'),
      page: () => Promise.reject(new Error('its file is gone')),
      leash: () => {
        throw new Error('it hangs');
      },
      journal: () => closed.push('journal'),
    });
    expect(closed).toEqual(['door', 'journal']);
    expect(said.map((line) => JSON.parse(line))).toMatchObject([
      { part: 'page', reason: 'its file is gone' },
      { part: 'leash', reason: 'it hangs' },
    ]);
  });
});
