import { expect, it } from 'vitest';
import { bounded } from '../../src/kit/bounded.ts';

const never = () => new Promise<never>(() => {});

it('ends in its time and with whoever is over, also where the work heeds no signal', async () => {
  await expect(bounded(20, undefined, never)).rejects.toMatchObject({ name: 'TimeoutError' });
  const over = new AbortController();
  const waiting = bounded(60_000, over.signal, never);
  over.abort(new Error('the daemon stops'));
  await expect(waiting).rejects.toThrow('the daemon stops');
  await expect(bounded(60_000, over.signal, never)).rejects.toThrow('the daemon stops');
  expect(await bounded(60_000, undefined, async () => 'done')).toBe('done');
});
