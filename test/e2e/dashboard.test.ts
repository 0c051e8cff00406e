import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHROMIUM, openPage } from '../support/browser.ts';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { noSandbox } from '../support/policies.ts';

const missing = CHROMIUM === undefined ? 'Chromium' : noSandbox;
const name = (text: string) => (missing === undefined ? text : `${text} (skipped: ${missing})`);

/** A device whose agent reads a file, asks to leave the sandbox, and then talks slowly until it is steered. */
async function aHouse() {
  const model = await startChatModel((request) => {
    const heard = JSON.stringify(request.messages).includes('speak German');
    if (heard) return { text: 'Fertig.' };
    const done = resultsIn(request);
    if (done === 0) {
      const patch = '*** Begin Patch\n*** Update File: sum.js\n@@\n-let i = 1;\n+let i = 0;\n*** End Patch';
      return { text: 'It begins at 1.', calls: [{ name: 'apply_patch', args: { input: patch } }] };
    }
    const args = {
      cmd: 'echo beyond',
      login: false,
      with_escalated_permissions: true,
      justification: 'to see it',
    };
    if (done === 1) return { calls: [{ name: 'exec_command', args }] };
    return {
      text: 'Now I look at all the other files one after the other, which takes a while. ',
      calls: [{ name: 'exec_command', args: { cmd: 'sleep 1', login: false } }],
      wordMs: 50,
    };
  });
  const house = await House.withModel(model.baseUrl);
  writeFileSync(join(house.workspace, 'sum.js'), 'let i = 1;\n');
  return house;
}

async function addressOf(house: House): Promise<string> {
  const command = house.command('dashboard', '--no-open', '--json');
  const { code } = await command.exited;
  expect([code, command.stderr]).toEqual([0, '']);
  return String(command.lines[0]?.url);
}

/** Ports of 127.0.0.1 and elsewhere on which a process listens, as the kernel has them. */
function portsOf(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? ''];
    } catch {
      return [];
    }
  });
  const rows = ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n'),
  );
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((cells) => cells[3] === LISTENING && sockets.includes(cells[9] ?? ''))
    .map((cells) => Number.parseInt(cells[1]?.split(':')[1] ?? '', 16));
}

/** TCP_LISTEN of the kernel's include/net/tcp_states.h. */
const LISTENING = '0A';

const isLinux = process.platform === 'linux';

describe('the page of a real device', () => {
  it.skipIf(!isLinux)(
    `has no port of this computer open before it is asked for${isLinux ? '' : ' (skipped: no /proc here)'}`,
    async () => {
      const house = await House.open();
      const pid = house.daemon?.child.pid ?? 0;
      expect(portsOf(pid)).toEqual([]);
      const url = await addressOf(house);
      expect(portsOf(pid)).toEqual([Number(new URL(url).port)]);
      expect((await fetch(new URL('/api/status', url))).status).toBe(401);
      // What it was opened for goes with it, also where the daemon is killed.
      const opener = join(house.dir, 'device', 'page.html');
      expect(existsSync(opener)).toBe(true);
      house.daemon?.child.kill('SIGKILL');
      await house.daemon?.exited;
      await house.startDaemon();
      expect(existsSync(opener)).toBe(false);
    },
    30_000,
  );

  it.skipIf(missing !== undefined)(
    name('follows a run as it streams, answers its question, steers it, and finds it again'),
    async () => {
      const house = await aHouse();
      const url = await addressOf(house);
      const { page, complaints, requested } = await openPage();
      await page.goto(url);
      await page.getByText('No run is under way.').waitFor();
      await page.getByText('connected', { exact: true }).first().waitFor();

      const run = await house.run({ prompt: 'Mend the needle in sum.js' });
      await page.getByRole('article', { name: 'worker asks' }).waitFor();
      await page.getByRole('heading', { name: 'worker asks' }).getByRole('link').click();
      const story = page.locator('.story');
      await expect.poll(() => story.innerText()).toContain('changed sum.js');
      expect(await page.locator('.diff').innerText()).toMatch(/-let i = 1;\s+\+let i = 0;/);
      expect(await page.locator('.call', { hasText: 'echo beyond' }).innerText()).toContain('waiting');
      // A question takes no answer in the moment in which it comes.
      const allow = async () => {
        await page
          .getByRole('button', { name: 'Allow once' })
          .click({ timeout: 500 })
          .catch(() => {});
        return story.innerText();
      };
      await expect.poll(allow, { timeout: 15_000, interval: 300 }).toContain('Allowed, once');
      await expect.poll(() => story.innerText(), { timeout: 15_000 }).toContain('beyond');
      // Word by word: the message is on the page before it is finished.
      await page.locator('.live', { hasText: 'Now I look' }).first().waitFor();

      await page.reload();
      await page.locator('.text', { hasText: 'Now I look at all' }).first().waitFor();
      await page.getByLabel('Say something to this run').fill('speak German');
      await page.getByRole('button', { name: 'Steer' }).click();
      await expect.poll(() => story.innerText(), { timeout: 20_000 }).toContain('Fertig.');
      await run.ended;
      await page.getByRole('heading', { name: 'worker completed' }).waitFor();
      const [resolved] = run.payloads('approval_resolved');
      expect(resolved).toMatchObject({ decision: 'once', by: 'page' });

      await page.getByRole('link', { name: 'History' }).click();
      await page.getByLabel('Search').fill('NEEDLE');
      await page.getByRole('listitem').getByText('Fertig.').waitFor();
      await page.getByRole('link', { name: 'Usage' }).click();
      await page.getByRole('row', { name: 'test/model' }).waitFor();
      await page.getByRole('link', { name: 'Log' }).click();
      await page.locator('.log li', { hasText: 'run accepted' }).waitFor();
      expect(complaints).toEqual([]);
      expect(requested.filter((address) => !address.startsWith(new URL(url).origin))).toEqual([]);
    },
    60_000,
  );

  it.skipIf(missing !== undefined)(
    name('tells whoever comes late what is being said from its beginning'),
    async () => {
      const model = await startChatModel(() => ({
        text: 'one two three four five six seven eight nine ten',
        wordMs: 400,
      }));
      const house = await House.withModel(model.baseUrl);
      const run = await house.run({ prompt: 'count' });
      await run.frame(
        (frame) => frame.type === 'assistant_message_delta' && String(frame.text).includes('three'),
      );
      const tail = house.command('runs', 'tail', run.runId, '--json');
      const first = await tail.line('assistant_message_delta');
      expect(first).toMatchObject({ offset: 0, text: expect.stringMatching(/^one two three/) });
      await run.ended;
      await tail.exited;
      let text = '';
      for (const { type, offset, text: said } of tail.lines) {
        if (type === 'assistant_message_delta') text = text.slice(0, Number(offset)) + String(said);
      }
      expect(text).toBe('one two three four five six seven eight nine ten');
    },
    30_000,
  );
});
