import { messageOf } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';

/** Closes one part after the other, by name. One that fails is logged, and keeps none of the later ones open. */
export async function closeEach(log: Log, parts: Readonly<Record<string, () => unknown>>): Promise<void> {
  for (const [part, close] of Object.entries(parts)) {
    try {
      await close();
    } catch (error) {
      log.error({ part, reason: messageOf(error) }, 'a part could not be closed');
    }
  }
}
