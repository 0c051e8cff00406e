import { type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { BrowserContextOptions } from 'playwright-core';
import type { PageAsked } from '../../src/control/contract.ts';
import type { ControlPorts } from '../../src/control/ports.ts';
import type { Clock } from '../../src/kit/clock.ts';
import type { Log } from '../../src/kit/log.ts';
import { type OpenPage, openPage } from '../support/browser.ts';
import { type OpenDoor, openDoor } from './harness.ts';

export interface PageAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface PageCall {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface OpenedPage extends PageAsked {
  door: OpenDoor;
  origin: string;
  port: number;
  token: string;
  /** What a program sends, with any header it likes. */
  call(call: PageCall): Promise<PageAnswer>;
  /** Spends the token; the answer sends calls as the page itself would. */
  enter(): Promise<(call: PageCall) => Promise<PageAnswer>>;
}

/** A real local door whose page was asked for. */
export async function openPageDoor(
  some: Partial<ControlPorts> = {},
  world: { clock?: Clock; log?: Log } = {},
): Promise<OpenedPage> {
  const door = await openDoor(some, undefined, world);
  const asked = await door.client.askPage();
  const { origin, port, hash } = new URL(asked.url);
  const token = hash.slice(1);
  const call = (one: PageCall) => callPage(Number(port), one);
  const enter = async () => {
    const session = await exchange(call, token);
    return (one: PageCall) =>
      call({ ...one, headers: { authorization: `Bearer ${session}`, ...JSON_TYPE, ...one.headers } });
  };
  return { ...asked, door, origin, port: Number(port), token, call, enter };
}

export async function exchange(
  call: (call: PageCall) => Promise<PageAnswer>,
  token: string,
): Promise<string> {
  const answer = await call({ ...POST_SESSION, body: JSON.stringify({ token }) });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  return String(JSON.parse(answer.body).session);
}

function callPage(port: number, { method = 'GET', path, headers = {}, body }: PageCall): Promise<PageAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      text(answer).then(
        (said) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: said }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export const JSON_TYPE = { 'content-type': 'application/json' };
export const POST_SESSION = { method: 'POST', path: '/session', headers: JSON_TYPE };

/** The page in a real browser, come to by its address. */
export async function visitPage(
  some: Partial<ControlPorts> = {},
  options: BrowserContextOptions = {},
): Promise<OpenedPage & OpenPage> {
  const door = await openPageDoor(some);
  const browser = await openPage(options);
  await browser.page.goto(door.url);
  await browser.page.getByRole('heading', { level: 1 }).waitFor();
  return { ...door, ...browser };
}
