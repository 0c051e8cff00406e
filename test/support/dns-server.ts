import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { tempDir } from './temp.ts';

/**
 * A real name server on loopback. `names` says what each name leads to: one list of addresses for each time it is asked, the last
 * for ever. Other names do not exist.
 */
export async function startDnsServer(names: Readonly<Record<string, readonly string[][]>>) {
  const asked: string[] = [];
  const times = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query);
    const answers = names[name];
    asked.push(name);
    const time = times.get(`${name} ${type}`) ?? 0;
    times.set(`${name} ${type}`, time + 1);
    const now = answers?.[Math.min(time, answers.length - 1)] ?? [];
    const fitting = now.filter((address) => isIPv6(address) === (type === AAAA));
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(answers === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(fitting.length, 6);
    header.fill(0, 8);
    const records = fitting.map((address) => recordOf(address, type));
    socket.send(Buffer.concat([header, query.subarray(12, end), ...records]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => void socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

/**
 * Variables with which a Node process asks that server in place of the system's resolver, which knows none but the machine's own:
 * `dns.lookup`, which every dial goes through, becomes a question to it.
 */
export function askingThere(address: string): Record<string, string> {
  const preload = join(tempDir(), 'resolver.cjs');
  writeFileSync(preload, RESOLVER);
  return { NODE_OPTIONS: `--require ${preload}`, TEST_NAME_SERVER: address };
}

const RESOLVER = `
const dns = require('node:dns');
const { isIP } = require('node:net');
const resolver = new dns.promises.Resolver();
resolver.setServers([process.env.TEST_NAME_SERVER]);
dns.lookup = (name, options, callback = options) => {
  const known = isIP(name);
  const found = known
    ? Promise.resolve([{ address: name, family: known }])
    : Promise.all([resolver.resolve4(name).catch(() => []), resolver.resolve6(name).catch(() => [])]).then(
        ([four, six]) => [
          ...four.map((address) => ({ address, family: 4 })),
          ...six.map((address) => ({ address, family: 6 })),
        ],
      );
  found.then((all) => {
    if (all.length === 0) callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
    else if (options.all) callback(null, all);
    else callback(null, all[0].address, all[0].family);
  });
};
require('node:module').syncBuiltinESMExports();
`;

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** A resource record: the question's name, the class IN, no time to live. */
function recordOf(address: string, type: number): Buffer {
  const data = type === AAAA ? sixBytes(address) : Buffer.from(address.split('.').map(Number));
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([head, data]);
}

function sixBytes(address: string): Buffer {
  // URL writes the dotted end of an address in hexadecimal.
  const [before = '', after = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const [first, last] = [groups(before), groups(after)];
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
  return Buffer.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

const AAAA = 28;
