import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { PauseReasons } from '../../src/kit/pause.ts';
import { createDiskWait } from '../../src/runs/disk-wait.ts';
import type { PauseReason } from '../../src/runs/ports.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aJournal } from '../support/journals.ts';

/** A wait for a disk that refuses the ballast in each of these ways before it takes it. */
function waitFor(refusals: (NodeJS.ErrnoException | 'full')[]) {
  const clock = new FakeClock();
  const pause = new PauseReasons<PauseReason>();
  const journal = aJournal(undefined, clock);
  const { ballast } = journal;
  ballast.spend();
  const fill = ballast.fill.bind(ballast);
  ballast.fill = () => {
    const refusal = refusals.shift();
    if (refusal === 'full') return false;
    if (refusal !== undefined) throw refusal;
    return fill();
  };
  let spaces = 0;
  const log = pino({ level: 'silent' });
  const disk = createDiskWait({ journal, clock, log, pause }, () => {
    spaces += 1;
  });
  return { disk, clock, pause, spaces: () => spaces };
}

describe('a wait for space on the disk', () => {
  it('goes on where the disk fails otherwise for a while', async () => {
    const readOnly = Object.assign(new Error('read-only'), { code: 'EROFS' });
    const { disk, clock, pause, spaces } = waitFor(['full', readOnly, readOnly]);
    disk.begin();
    await clock.advance(15_000);
    expect([pause.list(), spaces()]).toEqual([['disk_full'], 0]);
    await clock.advance(5_000);
    expect([pause.list(), spaces()]).toEqual([[], 1]);
  });

  it('lets go everybody who waited, also where one of them fails', async () => {
    const { disk, clock, spaces } = waitFor([]);
    const gone: string[] = [];
    disk.begin(() => {
      throw new Error('broken');
    });
    disk.begin(() => gone.push('second'));
    await clock.advance(5_000);
    expect([gone, spaces()]).toEqual([['second'], 1]);
  });
});
