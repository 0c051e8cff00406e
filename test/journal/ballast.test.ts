import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { acceptRun } from '../../src/journal/accept-run.ts';
import { appendEvents } from '../../src/journal/append-events.ts';
import { recordAck } from '../../src/journal/list-cursors.ts';
import { readRunEvents } from '../../src/journal/read-events.ts';
import { aJournal, anOrder, said } from '../support/journals.ts';
import { fillDisk, smallDisk } from '../support/small-disk.ts';

describe('the ballast', () => {
  it('lies beside the journal, and is written anew where it was cut', () => {
    const journal = aJournal();
    const path = `${journal.path}.ballast`;
    const { size } = statSync(path);
    journal.close();
    truncateSync(path, 10);
    aJournal(journal.path);
    expect(statSync(path).size).toBe(size);
    expect(readFileSync(path).some((byte) => byte !== 0)).toBe(true);
  });

  smallDisk.it(
    'makes room on a full disk for what must be committed, and says when nothing is left',
    ({ disk }) => {
      const journal = aJournal(`${disk}/journal.db`);
      acceptRun(journal, anOrder('a'), 'dispatched');
      const space = fillDisk(disk);
      expect(appendEvents(journal, 'a', [said('x'.repeat(200_000))])).toBe(1);
      expect(journal.ballast.spent).toBe(true);
      expect(existsSync(`${journal.path}.ballast`)).toBe(false);
      const fill = () => {
        for (let n = 0; n < 200; n += 1) appendEvents(journal, 'a', [said('y'.repeat(200_000))]);
      };
      expect(fill).toThrow(/disk is full/);
      expect(() => recordAck(journal, 'a', 1)).not.toThrow();
      expect(journal.ballast.fill()).toBe(false);
      const kept = readRunEvents(journal, 'a').length;
      space.free();
      expect(journal.ballast.fill()).toBe(true);
      expect(appendEvents(journal, 'a', [said('z')])).toBe(kept + 1);
    },
  );

  smallDisk.it('lets a journal be opened on a full disk', ({ disk }) => {
    const journal = aJournal(`${disk}/journal.db`);
    acceptRun(journal, anOrder('a'), 'dispatched');
    journal.close();
    fillDisk(disk);
    const again = aJournal(journal.path);
    expect(again.epoch).toBe(journal.epoch);
    expect(appendEvents(again, 'a', [said('one')])).toBe(1);
  });
});
