import { spawnSync } from 'node:child_process';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

/** Chromium as this machine has it; `undefined` where it has none. */
export const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim())
  .find((path) => path !== '');

export interface OpenPage {
  page: Page;
  /** Addresses of what the page loaded or tried to load. */
  requested: string[];
  /** What the browser complained about: refused scripts, thrown errors. */
  complaints: string[];
}

/** A page of a real browser of its own, gone when the test is. */
export async function openPage(options: BrowserContextOptions = {}): Promise<OpenPage> {
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM ?? '',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  onTestFinished(() => browser.close());
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A refused call is told to the reader on the page; the browser lists it here too.
    const refusedCall = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !refusedCall) complaints.push(message.text());
  });
  return { page, requested, complaints };
}
