import { describe, expect, it } from 'vitest';
import { linkPollText } from '../../src/protocol/signing.ts';
import { CHROMIUM, openPage } from '../support/browser.ts';
import { createDeviceKey, linkDevice, signText } from '../support/device-client.ts';
import { openMesh, type TestMesh } from './harness.ts';

const PATH = '/v1/runmesh/devices/link';

async function ask(mesh: TestMesh, some: Record<string, unknown> = {}) {
  const key = createDeviceKey();
  const { data } = await mesh.call(
    'POST',
    `${PATH}/start`,
    {
      publicKey: key.publicKey,
      deviceLabel: 'Study <b>Mac</b>',
      os: 'macos',
      appVersion: '1.2.3',
      hostname: 'study.local',
      clientMetadata: { requests: ['run_commands', 'rule_the_world'] },
      ...some,
    },
    null,
  );
  const code: string = data.code;
  const poll = async () => {
    const signature = signText(key.privateKey, linkPollText({ code, origin: mesh.url }));
    return (await mesh.call('POST', `${PATH}/poll`, { code, signature }, null)).data;
  };
  return { code, url: String(data.url), poll };
}

describe.skipIf(CHROMIUM === undefined)(
  'the page on which an owner links a device (skipped without Chromium)',
  () => {
    it('shows what asks, and approves it only when the owner says that it is the same', async () => {
      const mesh = await openMesh();
      const { code, url, poll } = await ask(mesh);
      const { page, requested, complaints } = await openPage();
      await page.goto(url);
      await page.getByLabel('API key').fill(mesh.apiKey);
      await page.getByLabel('Code shown').fill(` ${code.slice(0, 3).toLowerCase()} ${code.slice(3)} `);
      await page.getByRole('button', { name: 'Show the device' }).click();
      const device = page.getByRole('region', { name: 'Is this your device?' });
      await device.waitFor();
      const text = await device.innerText();
      const { data } = await mesh.call('GET', `${PATH}/${code}`);
      for (const fact of [
        code,
        'Study <b>Mac</b>',
        'study.local',
        'macos',
        '1.2.3',
        '127.0.0.1',
        'seconds ago',
      ]) {
        expect(text).toContain(fact);
      }
      expect(text.replaceAll('\n', ':')).toContain(data.keyFingerprint);
      expect(text).toContain('run commands on that computer');
      expect(text).not.toContain('rule_the_world');
      const approve = page.getByRole('button', { name: 'Approve' });
      expect(await approve.isDisabled()).toBe(true);
      await page.getByLabel('The device shows this code').check();
      await approve.click();
      await expect.poll(() => page.getByRole('status').innerText()).toContain('approved');
      expect(await device.isHidden()).toBe(true);
      expect(await poll()).toMatchObject({ status: 'approved', node: { label: 'Study <b>Mac</b>' } });
      expect(requested.every((address) => address.startsWith(mesh.url))).toBe(true);
      expect(complaints).toEqual([]);
    });

    it('denies it by keyboard alone', async () => {
      const mesh = await openMesh();
      const { code, url, poll } = await ask(mesh);
      const { page } = await openPage();
      await page.goto(url);
      await page.keyboard.type(mesh.apiKey);
      await page.keyboard.press('Tab');
      await page.keyboard.type(code);
      await page.keyboard.press('Enter');
      await page.getByRole('region').waitFor();
      // Onto the box, over the button that is not yet allowed, onto the second one.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.getByRole('status').innerText()).toContain('denied');
      expect(await poll()).toEqual({ status: 'denied' });
    });

    it('takes a code from the address, and approves nothing for having come by it', async () => {
      const mesh = await openMesh();
      const { code, url, poll } = await ask(mesh);
      const { page, requested } = await openPage();
      await page.goto(`${url}#${code.toLowerCase()}`);
      expect(await page.getByLabel('Code shown').inputValue()).toBe(code);
      expect(page.url()).toBe(url);
      expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
      expect(requested).toEqual([url]);
      expect(await poll()).toMatchObject({ status: 'pending' });
      await page.goto('about:blank');
      await page.goto(`${url}#<img src=x>`);
      expect(await page.getByLabel('Code shown').inputValue()).toBe('');
    });

    it('says what is wrong with a key, a code, and a code that was answered', async () => {
      const mesh = await openMesh();
      const { code, url } = await ask(mesh);
      const { page } = await openPage();
      await page.goto(url);
      const submit = async (key: string, typed: string) => {
        await page.getByLabel('API key').fill(key);
        await page.getByLabel('Code shown').fill(typed);
        await page.getByRole('button', { name: 'Show the device' }).click();
      };
      const status = () => page.getByRole('status').innerText();
      await submit('rt_test_nobody', code);
      await expect.poll(status).toMatch(/key/i);
      await submit(mesh.apiKey, 'AAAAAA');
      await expect.poll(status).toContain('no such code');
      await mesh.call('POST', `${PATH}/approve`, { code, deny: true });
      await submit(mesh.apiKey, code);
      await expect.poll(status).toContain('denied');
      expect(await page.getByRole('region').count()).toBe(0);
    });

    it('says whose place a device is to take', async () => {
      const mesh = await openMesh();
      const { deviceId } = await linkDevice(mesh);
      const { code, url } = await ask(mesh, { clientMetadata: { replacesDeviceId: deviceId } });
      const { page } = await openPage({ colorScheme: 'dark', viewport: { width: 375, height: 720 } });
      await page.goto(`${url}#${code}`);
      await page.getByLabel('API key').fill(mesh.apiKey);
      await page.keyboard.press('Enter');
      const device = page.getByRole('region');
      await device.waitFor();
      expect(await device.innerText()).toContain(deviceId);
      // On a phone nothing stands over the edge.
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(23, 24, 26)');
    });
  },
);
