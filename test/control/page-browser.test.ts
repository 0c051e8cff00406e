import { existsSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { HistoryItem, LogLine, PendingQuestion } from '../../src/control/contract.ts';
import type { ControlPorts } from '../../src/control/ports.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { CHROMIUM, openPage } from '../support/browser.ts';
import { RUN, STATUS } from './harness.ts';
import { openPageDoor, visitPage } from './page-harness.ts';

const QUESTION: PendingQuestion = {
  approvalId: 'apr_1',
  callId: 'call_1',
  tool: 'exec_command',
  what: 'git push origin main',
  workdir: 'web',
  reason: 'the remote must have it',
  opens: 'outside_sandbox',
  prefix: ['git', 'push'],
  forRun: true,
  subject: '',
  expiresAt: new Date(Date.now() + 600_000).toISOString(),
  runId: 'run_1',
  agent: 'fixer',
};

/** A device that asks one question until it is answered; what was said to it is kept. */
function asking(questions: PendingQuestion[] = [QUESTION]) {
  const answers: unknown[] = [];
  const ports: Partial<ControlPorts> = {
    listApprovals: () => questions,
    answerApproval: (approvalId, answer) => {
      answers.push([approvalId, answer]);
      questions.splice(
        questions.findIndex((one) => one.approvalId === approvalId),
        1,
      );
    },
  };
  return { answers, ports, questions };
}

/** A run that says what a test hands it, one line after the other. */
function talking() {
  const lines: Record<string, unknown>[] = [];
  let wake = () => {};
  let sequence = 0;
  const say = (line: Record<string, unknown>) => {
    lines.push(line);
    wake();
  };
  const happen = (type: string, payload: Record<string, unknown>) => {
    sequence += 1;
    say({ type, runId: RUN.runId, runSequence: sequence, payload });
  };
  const ports: Partial<ControlPorts> = {
    readRun: () => ({ ...RUN, status: 'running', endedAt: null }),
    runEvents: async function* (_runId, after, signal) {
      signal.addEventListener('abort', () => wake());
      for (let at = 0; !signal.aborted; ) {
        const line = lines[at];
        if (line === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        at += 1;
        if (line.runSequence === undefined || Number(line.runSequence) > after) yield line;
        if (line.type === 'run_completed') return;
      }
    },
  };
  return { say, happen, ports };
}

const told = (page: Page) => page.locator('.told');

describe.skipIf(CHROMIUM === undefined)('the page in a browser (skipped without Chromium)', () => {
  it('shows how the device is, takes the token out of its address, and asks nobody else', async () => {
    const { page, origin, token, requested, complaints } = await visitPage();
    await page.getByText('waiting for frames').waitFor();
    const text = await page.locator('body').innerText();
    for (const fact of [
      'test mac',
      'connected',
      'dev_1',
      'org_1',
      'fixer',
      'step 3',
      'battery, battery at 80 %',
      '1,200 tokens in',
      'the disk is full',
    ]) {
      expect(text).toContain(fact);
    }
    expect(page.url()).toBe(`${origin}/`);
    expect(await page.title()).toBe('test mac – RunMesh');
    expect(requested.filter((address) => !address.startsWith(`${origin}/`))).toEqual([]);
    expect(requested.slice(1).filter((address) => address.includes(token))).toEqual([]);
    expect(complaints).toEqual([]);
    // The session is this tab's: it is there after a reload, and not in another tab.
    await page.reload();
    await page.getByText('waiting for frames').waitFor();
    const other = await page.context().newPage();
    await other.goto(`${origin}/`);
    await other.getByRole('heading', { name: 'This page is not open in this tab' }).waitFor();
    expect(await other.locator('body').innerText()).toContain('runmesh dashboard');
  });

  it('is come to by the file that a browser is started with', async () => {
    const { file, origin } = await openPageDoor();
    const { page } = await openPage();
    await page.goto(`file://${file}`);
    await page.getByText('waiting for frames').waitFor();
    expect(await page.evaluate('location.href')).toBe(`${origin}/`);
    expect(await page.evaluate('document.referrer')).toBe('');
    await expect.poll(() => existsSync(file)).toBe(false);
  });

  it.each([
    { button: 'Allow once', answer: { decision: 'once' }, says: 'Allowed, once.' },
    { button: 'Allow for this run', answer: { decision: 'run' }, says: 'Allowed for this run.' },
    { button: 'Always allow exactly git push', answer: { decision: 'always' }, says: 'Allowed for good.' },
    { button: 'Refuse', answer: { decision: 'no' }, says: 'Refused.' },
  ])('answers a question: $button', async ({ button, answer, says }) => {
    const { answers, ports } = asking();
    const { page } = await visitPage(ports);
    const question = page.getByRole('article', { name: 'fixer asks' });
    await question.waitFor();
    const text = await question.innerText();
    for (const part of [
      'outside the sandbox',
      'git push origin main',
      'web',
      'the remote must have it',
      '9 min',
    ]) {
      expect(text).toContain(part);
    }
    expect(await page.title()).toBe('(1) test mac – RunMesh');
    await page.waitForTimeout(600);
    await question.getByRole('button', { name: button, exact: true }).click();
    await expect.poll(() => told(page).innerText()).toBe(says);
    expect(answers).toEqual([['apr_1', answer]]);
    await expect.poll(() => question.count()).toBe(0);
  });

  it('answers a question by keyboard alone: no, with words', async () => {
    const { answers, ports } = asking();
    const { page } = await visitPage(ports);
    await page.getByRole('article').waitFor();
    await page.waitForTimeout(600);
    const focused = () =>
      page.evaluate(
        '(({ innerText, id, tagName }) => (tagName === "BODY" ? "" : innerText || id))(document.activeElement)',
      ) as Promise<string>;
    const tabTo = async (what: string) => {
      for (let n = 0; n < 25 && !(await focused()).includes(what); n += 1) await page.keyboard.press('Tab');
      expect(await focused()).toContain(what);
    };
    await tabTo('Skip to the content');
    await tabTo('Allow once');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await tabTo('words-apr_1');
    await page.keyboard.type('push to the fork');
    await page.keyboard.press('Enter');
    await expect.poll(() => answers).toEqual([['apr_1', { decision: 'no', words: 'push to the fork' }]]);
  });

  it('takes no answer in the moment in which the questions change', async () => {
    const { answers, ports, questions } = asking();
    const { page } = await visitPage(ports);
    await page.getByRole('article').waitFor();
    await page.waitForTimeout(600);
    // In the very moment in which another stands there, as a click that was meant for the one before.
    await page.evaluate(`new MutationObserver((_, observer) => {
      if (document.querySelectorAll('article').length < 2) return;
      observer.disconnect();
      for (const button of document.querySelectorAll('.answers button')) button.click();
    }).observe(document.querySelector('main'), { childList: true, subtree: true })`);
    questions.unshift({ ...QUESTION, approvalId: 'apr_0', what: 'rm -rf build', prefix: null });
    await expect.poll(() => page.getByRole('article').count()).toBe(2);
    await expect.poll(() => told(page).innerText()).toContain('have just changed');
    expect(answers).toEqual([]);
    expect(await page.getByRole('button', { name: 'Always allow' }).count()).toBe(1);
  });

  it('shows a run live: words as they stream, a tail that is taken back, calls, diffs, the end', async () => {
    const { say, happen, ports } = talking();
    const { page, origin } = await visitPage(ports);
    await page.goto(`${origin}/#run/run_1`);
    const story = page.locator('.story');
    happen('run_started', { agent: 'fixer', model: 'm/1', workspace: 'web', attempt: 1 });
    happen('user_message', { messageId: 'u', text: 'mend it' });
    const delta = { type: 'assistant_message_delta', runId: 'run_1', messageId: 'a' };
    say({ ...delta, offset: 0, text: 'I look at the wrong file' });
    await expect.poll(() => story.innerText()).toContain('I look at the wrong file');
    say({ ...delta, offset: 14, text: 'tests.' });
    await expect.poll(() => story.innerText()).toContain('I look at the tests.');
    const usage = NO_USAGE;
    happen('assistant_message', {
      messageId: 'a',
      step: 1,
      text: 'I look at the tests.',
      content: [],
      finishReason: 'tool',
      model: 'm',
      usage,
    });
    happen('tool_call', {
      callId: 'c',
      messageId: 'a',
      step: 1,
      name: 'exec_command',
      arguments: '{"cmd":"npm test"}',
    });
    say({ type: 'tool_output_delta', runId: 'run_1', messageId: 'c', offset: 0, text: '1 failing' });
    await expect.poll(() => story.innerText()).toContain('1 failing');
    const result = 'Wall time: 1\nProcess exited with code 1\nOutput:\n2 failing\u001b[31m';
    happen('tool_result', {
      callId: 'c',
      name: 'exec_command',
      status: 'completed',
      text: result,
      durationMs: 900,
    });
    happen('file_change', {
      callId: 'd',
      workspace: 'web',
      path: 'sum.js',
      kind: 'update',
      diff: '--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n',
    });
    await expect.poll(() => story.innerText()).toContain('exit 1, 0.9 s');
    const text = await story.innerText();
    for (const part of [
      'fixer by m/1, in web',
      'mend it',
      'exec_command npm test',
      '2 failing\\u{1b}[31m',
      'changed sum.js',
      '+1 −1',
      '-old',
      '+new',
    ]) {
      expect(text).toContain(part);
    }
    expect(await page.locator('.diff .added').innerText()).toContain('+new');
    expect(text).not.toContain('+++ b');
    expect(text.match(/I look at the tests/g)).toHaveLength(1);
    happen('run_completed', { status: 'completed', result: 'x', usage, iterations: 1 });
    await expect.poll(() => story.innerText()).toContain('1 step');
    expect(await page.getByRole('button', { name: 'Cancel this run' }).count()).toBe(0);
  });

  it('shows the end of what is under way without being asked', async () => {
    const { say, happen, ports } = talking();
    for (let n = 1; n <= 20; n += 1) happen('user_message', { messageId: `u${n}`, text: `line ${n}` });
    const { page } = await visitPage({ ...ports, readRun: () => ({ ...RUN, endedAt: null, committed: 20 }) });
    const end = page.locator('.story.end');
    await expect.poll(() => end.locator('.text').allInnerTexts()).toEqual(['line 19', 'line 20']);
    const delta = { type: 'assistant_message_delta', runId: 'run_1', messageId: 'a' };
    say({ ...delta, offset: 0, text: 'and now ' });
    say({ ...delta, offset: 8, text: 'this' });
    await expect.poll(() => end.locator('.text').allInnerTexts()).toEqual(['line 20', 'and now this']);
  });

  it('goes on after a stream that was cut, without telling anything twice', async () => {
    const { happen, ports } = talking();
    let cuts = 0;
    const { page, origin } = await visitPage({
      ...ports,
      runEvents: async function* (runId, after, signal) {
        const source = ports.runEvents?.(runId, after, signal) ?? [];
        for await (const line of source) {
          yield line;
          cuts += 1;
          if (cuts === 2) return;
        }
      },
    });
    for (const text of ['one', 'two', 'three']) happen('user_message', { messageId: text, text });
    await page.goto(`${origin}/#run/run_1`);
    await expect
      .poll(() => page.locator('.story .text').allInnerTexts(), { timeout: 5_000 })
      .toEqual(['one', 'two', 'three']);
  });

  it('steers and cancels a run, the latter only after a second word', async () => {
    const said: unknown[] = [];
    const { ports } = talking();
    const { page, origin } = await visitPage({
      ...ports,
      steer: (...order) => void said.push(order),
      cancel: (runId) => void said.push(['cancel', runId]),
    });
    await page.goto(`${origin}/#run/run_1`);
    await page.getByLabel('Say something to this run').fill('only the tests');
    await page.keyboard.press('Enter');
    await expect.poll(() => said).toEqual([['run_1', 'only the tests']]);
    expect(await page.getByLabel('Say something to this run').inputValue()).toBe('');
    await page.getByRole('button', { name: 'Cancel this run' }).click();
    expect(said).toHaveLength(1);
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await expect.poll(() => said.at(-1)).toEqual(['cancel', 'run_1']);
  });

  it('pauses and resumes, and says why an order was refused', async () => {
    let paused: string[] = [];
    const { page } = await visitPage({
      status: () => ({ ...STATUS, paused }),
      pause: (mode) => {
        expect(mode).toBe('finish');
        paused = ['owner'];
        return paused;
      },
      resume: () => {
        throw new Error('no');
      },
    });
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('you paused this device').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(() => told(page).innerText()).toContain('Something went wrong in the daemon');
  });

  it('searches the history, through pages that hold nothing, and shows what is older', async () => {
    const item = (n: number): HistoryItem => ({
      ...RUN,
      runId: `run_${n}`,
      prompt: `prompt ${n}`,
      result: n === 1 ? 'the needle' : null,
    });
    const { page } = await visitPage({
      history: ({ search, before = 100, limit }) => {
        if (search === 'needle') {
          return before > 50 ? { runs: [], next: 50 } : { runs: [item(1)], next: null };
        }
        const runs = Array.from({ length: limit }, (_, n) => item(before - 1 - n));
        return { runs, next: before - limit };
      },
    });
    await page.getByRole('link', { name: 'History' }).click();
    await expect.poll(() => page.getByRole('listitem').count()).toBe(20);
    await page.getByRole('button', { name: 'Show older' }).click();
    await expect.poll(() => page.getByRole('listitem').count()).toBe(40);
    expect(await page.getByRole('listitem').last().innerText()).toContain('prompt 60');
    await page.getByLabel('Search agents').fill('needle');
    await expect.poll(() => page.getByRole('listitem').count()).toBe(1);
    expect(await page.getByRole('listitem').innerText()).toContain('the needle');
    await page.getByRole('link', { name: 'fixer' }).click();
    await page.getByRole('heading', { name: 'fixer completed' }).waitFor();
  });

  it('draws the tokens of the last days by model, and has them as a table', async () => {
    const now = new Date();
    const day = `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, '0')}-${String(now.getDate()).padStart(2, '0')}`;
    const used = (totalTokens: number) => ({ ...NO_USAGE, inputTokens: totalTokens, totalTokens });
    const asked: number[] = [];
    const { page } = await visitPage({
      usage: (days) => {
        asked.push(days);
        return [
          { day, model: 'a/big', usage: used(3_000) },
          { day, model: 'b/small', usage: used(1_000) },
        ];
      },
    });
    await page.getByRole('link', { name: 'Usage' }).click();
    const table = page.getByRole('table');
    await table.waitFor();
    expect(await table.getByRole('row').allInnerTexts()).toEqual([
      expect.stringMatching(/^Day/),
      expect.stringMatching(/a\/big\s+3,000/),
      expect.stringMatching(/b\/small\s+1,000/),
    ]);
    const heights = await page
      .locator('.bars rect')
      .evaluateAll((bars) =>
        bars.map((bar) => Number(bar.getAttribute('height'))).filter((height) => height > 0),
      );
    expect(heights).toEqual([75, 25]);
    expect(await page.locator('.bars title').last().textContent()).toBe(`${day}: 4,000 tokens`);
    expect(asked[0]).toBe(30);
  });

  it('shows the log as it comes, the newest first, from the level that is wanted', async () => {
    const levels: string[] = [];
    const line = (message: string, level: LogLine['level'] = 'info'): LogLine => ({
      type: 'log',
      level,
      time: '2026-01-01T10:00:00.000Z',
      message,
      fields: { runId: 'run_7', path: '/tmp/x' },
    });
    const { page } = await visitPage({
      logs: async function* ({ level }, signal) {
        levels.push(level);
        yield line('first');
        yield line('second', 'error');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    });
    await page.getByRole('link', { name: 'Log' }).click();
    await expect.poll(() => page.locator('.log li').count()).toBe(2);
    expect(await page.locator('.log li').first().innerText()).toContain('error second run_7 path=/tmp/x');
    await page.getByLabel('This level').selectOption('warn');
    await expect.poll(() => levels).toEqual(['info', 'warn']);
    expect(await page.getByRole('link', { name: 'run_7' }).first().getAttribute('href')).toBe('#run/run_7');
  });

  it('fits a phone, in the dark, with words that have no end', async () => {
    const long = 'x'.repeat(400);
    const { ports } = asking([
      { ...QUESTION, what: long, agent: long, prefix: [long], workdir: long, reason: long },
    ]);
    const { happen, ports: talk } = talking();
    const { page, origin } = await visitPage(
      {
        ...talk,
        ...ports,
        status: () => ({ ...STATUS, label: long, connection: { ...STATUS.connection, doing: long } }),
        history: () => ({ runs: [{ ...RUN, agent: long, prompt: long, result: long }], next: null }),
        usage: () => [
          {
            day: '2026-01-01',
            model: long,
            usage: {
              ...NO_USAGE,
              inputTokens: 1e9,
              outputTokens: 1e9,
              cachedInputTokens: 1e9,
              totalTokens: 2e9,
            },
          },
        ],
        logs: async function* () {
          yield {
            type: 'log',
            level: 'info',
            time: RUN.acceptedAt,
            message: long,
            fields: { a: long },
          } as const;
        },
      },
      { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
    );
    happen('user_message', { messageId: 'u', text: long });
    happen('tool_call', { callId: 'c', messageId: 'a', step: 1, name: long, arguments: long });
    happen('file_change', {
      callId: 'd',
      workspace: 'w',
      path: long,
      kind: 'add',
      diff: `@@ -0,0 +1 @@\n+${long}\n`,
    });
    for (const [view, shows] of [
      ['now', '.question'],
      ['run/run_1', '.diff'],
      ['history', '.history li'],
      ['usage', 'table'],
      ['log', '.log li'],
    ]) {
      await page.goto(`${origin}/#${view}`);
      await page.locator(shows ?? '').waitFor();
      expect([view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([view, 360]);
    }
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(23, 24, 26)');
  });

  it('says that it is closed when the daemon is gone, and how to open it again', async () => {
    const { page, door, origin } = await visitPage();
    await page.getByText('waiting for frames').waitFor();
    await door.close();
    await page.getByText('The daemon does not answer').waitFor();
    await page.getByRole('heading', { name: 'This page is closed' }).waitFor({ timeout: 15_000 });
    expect(await page.locator('body').innerText()).toContain('runmesh dashboard');
    expect(page.url()).toBe(`${origin}/`);
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });
});
