import { messageOf } from '../kit/errors.ts';
import type { RunsOptions } from './ports.ts';

export interface DiskWait {
  /** Pauses this device; `then` is called once there is space again. */
  begin(then?: () => void): void;
  /** Begins where the ballast was spent: what is under way can still be committed, and nothing new should be begun. */
  beginIfSpent(): void;
}

/**
 * Waits for space on the disk. The ballast is the test for it: whoever is paused begins nothing that costs a model's
 * answer before the disk can keep it.
 */
export function createDiskWait(
  { journal, clock, log, pause }: Pick<RunsOptions, 'journal' | 'clock' | 'log' | 'pause'>,
  onSpace: () => void,
): DiskWait {
  const waiting: (() => void)[] = [];
  const diskHasSpace = async (): Promise<void> => {
    do await clock.sleep(DISK_RETRY_MS);
    while (!isFilled());
  };
  /** A disk that fails otherwise, read-only for a while perhaps, is tried again too: nobody else would end this wait. */
  const isFilled = (): boolean => {
    try {
      return journal.ballast.fill();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the disk could not be tried');
      return false;
    }
  };
  const letGo = (one: () => void): void => {
    try {
      one();
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'what waited for the disk could not go on');
    }
  };
  const begin = (then: () => void = () => {}): void => {
    waiting.push(then);
    if (pause.list().includes('disk_full')) return;
    pause.add('disk_full');
    log.warn('the disk is full: no run goes on until there is space');
    diskHasSpace()
      .then(() => {
        log.info('the disk has space again');
        pause.remove('disk_full');
        for (const one of waiting.splice(0)) letGo(one);
        onSpace();
      })
      .catch((error) => log.error({ reason: messageOf(error) }, 'the disk could not be tried again'));
  };
  return {
    begin,
    beginIfSpent: () => {
      if (journal.ballast.spent && !pause.list().includes('disk_full')) begin();
    },
  };
}

const DISK_RETRY_MS = 5_000;
