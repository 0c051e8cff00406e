import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { HistoryItem, LogLine } from '../../src/control/contract.ts';
import { RunmeshError } from '../../src/kit/errors.ts';
import { CHROMIUM } from '../support/browser.ts';
import { RUN, STATUS } from './harness.ts';
import { visitPage } from './page-harness.ts';

const LINE: LogLine = { type: 'log', level: 'warn', time: RUN.acceptedAt, message: 'a line', fields: {} };

describe.skipIf(CHROMIUM === undefined)(
  'the page where something goes wrong (skipped without Chromium)',
  () => {
    it('keeps what was searched last, whatever an earlier look brings later', async () => {
      const item = (n: number, prompt: string): HistoryItem => ({
        ...RUN,
        runId: `run_${n}`,
        prompt,
        result: null,
      });
      let bring = () => {};
      const brought = new Promise<void>((resolve) => {
        bring = resolve;
      });
      let asked = false;
      const { page } = await visitPage({
        history: async ({ search, before, limit }) => {
          if (search === 'needle') return { runs: [item(1, 'the needle')], next: null };
          if (before !== undefined) {
            asked = true;
            await brought;
          }
          const runs = Array.from({ length: limit }, (_, n) => item((before ?? 100) - n, 'older'));
          return { runs, next: 50 };
        },
      });
      await page.getByRole('link', { name: 'History' }).click();
      await expect.poll(() => page.getByRole('listitem').count()).toBe(20);
      await page.getByRole('button', { name: 'Show older' }).click();
      await expect.poll(() => asked).toBe(true);
      await page.getByLabel('Search agents').fill('needle');
      await expect.poll(() => page.getByRole('listitem').allInnerTexts()).toHaveLength(1);
      bring();
      await sleep(500);
      expect(await page.getByRole('listitem').allInnerTexts()).toEqual([expect.stringContaining('needle')]);
    });

    it('shows the log of another level after one that could not be read', async () => {
      const { page } = await visitPage({
        logs: async function* ({ level }, signal) {
          if (level === 'info') throw new RunmeshError('unavailable', 'The log cannot be read.');
          yield LINE;
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        },
      });
      await page.getByRole('link', { name: 'Log' }).click();
      await page.getByText('The log cannot be read.').waitFor();
      await page.getByLabel('This level').selectOption('warn');
      await expect.poll(() => page.locator('.log li').count()).toBe(1);
      expect(await page.getByText('The log cannot be read.').count()).toBe(0);
    });

    it('shows the usage again when it can be counted again', async () => {
      let broken = true;
      const { page } = await visitPage({
        usage: () => {
          if (broken) throw new RunmeshError('unavailable', 'The usage cannot be counted.');
          return [];
        },
      });
      await page.getByRole('link', { name: 'Usage' }).click();
      await page.getByText('The usage cannot be counted.').waitFor();
      broken = false;
      // It counts again each half minute.
      await page.evaluate('{ const now = Date.now; Date.now = () => now() + 31_000; }');
      await page.getByText('No model was asked in these days.').waitFor();
      expect(await page.getByText('The usage cannot be counted.').count()).toBe(0);
    });

    it('stays open with a daemon that answers with failures, says them, and goes on after them', async () => {
      let failures = 0;
      let broken = true;
      const { page } = await visitPage({
        status: () => {
          if (!broken) return STATUS;
          failures += 1;
          throw new RunmeshError('unavailable', 'The journal cannot be read.');
        },
      });
      await page.getByText('The journal cannot be read.').waitFor();
      // A second between looks is long for a test.
      await page.evaluate('{ const wait = setTimeout; window.setTimeout = (work) => wait(work, 20); }');
      await expect.poll(() => failures, { timeout: 15_000 }).toBeGreaterThan(12);
      broken = false;
      await page.getByText('waiting for frames').waitFor();
      expect(await page.getByText('The journal cannot be read.').count()).toBe(0);
    });

    it('takes a new address that is typed into a tab which has the page open', async () => {
      const { page, door, origin, complaints } = await visitPage();
      await page.getByText('waiting for frames').waitFor();
      const session = () => page.evaluate('sessionStorage.getItem("session")');
      const before = await session();
      await page.goto((await door.client.askPage()).url);
      await expect.poll(() => page.url()).toBe(`${origin}/`);
      await expect.poll(session).not.toBe(before);
      await page.getByText('waiting for frames').waitFor();
      expect(complaints).toEqual([]);
    });

    it('goes on asking in each of two windows that show what is under way', async () => {
      let beat = 0;
      let streams = 0;
      const running = ['run_1', 'run_2', 'run_3'].map((runId) => ({
        runId,
        agent: 'fixer',
        step: 1,
        seconds: 1,
      }));
      const { page, door } = await visitPage({
        status: () => {
          beat += 1;
          return { ...STATUS, label: `beat ${beat}`, running };
        },
        readRun: (runId) => ({ ...RUN, runId, status: 'running', endedAt: null }),
        runEvents: async function* (runId, _after, signal) {
          streams += 1;
          yield { type: 'user_message', runId, runSequence: 8, payload: { messageId: 'u', text: 'go' } };
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        },
      });
      const other = await page.context().newPage();
      await other.goto((await door.client.askPage()).url);
      await expect.poll(() => streams).toBeGreaterThanOrEqual(4);
      await sleep(1_500);
      for (const window of [page, other]) {
        const label = () => window.getByRole('heading', { level: 1 }).innerText();
        const before = await label();
        await expect.poll(label, { timeout: 8_000 }).not.toBe(before);
      }
    });
  },
);
