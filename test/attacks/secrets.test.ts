import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SECRET_MASK } from '../../src/protocol/content.ts';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';

/** Put together here, so that nobody takes this file for a leak. */
const SECRET = `ghp_${'s3cr3tS3CR3T'.repeat(3)}`;
/** What stands in no first half. */
const TAIL = SECRET.slice(24);

/** Every file under a folder that holds the word. */
function filesWith(word: string, folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(folder, name);
    return statSync(path).isFile() && readFileSync(path).includes(word);
  });
}

describe('a secret that a run comes upon', () => {
  it('51 is masked in deltas, results, diffs and the model’s own words, though it comes cut in two', async () => {
    const seen: string[] = [];
    const model = await startChatModel((request) => {
      seen.push(JSON.stringify(request));
      const results = resultsIn(request);
      // The first half is answered at once and the second by a later call: two readings of one terminal.
      const halves = `cat first; sleep 1; cat second; echo; printf "\\033[31m"; cat whole`;
      if (results === 0)
        return { calls: [{ name: 'exec_command', args: { cmd: halves, yield_time_ms: 250, login: false } }] };
      const session = /session ID (\d+)/.exec(seen.at(-1) ?? '')?.[1];
      if (results === 1 && session)
        return { calls: [{ name: 'write_stdin', args: { session_id: Number(session) } }] };
      if (results === 2) return { calls: [{ name: 'read_file', args: { path: 'whole' } }] };
      if (results === 3)
        return { calls: [{ name: 'write_file', args: { path: 'copy', content: `token ${SECRET}\n` } }] };
      if (results === 4)
        return { calls: [{ name: 'write_file', args: { path: 'whole', content: SECRET_MASK } }] };
      return { text: `I found ${SECRET.slice(0, 9)} ${SECRET} and stop.`, wordMs: 1 };
    });
    const house = await House.withModel(model.baseUrl);
    writeFileSync(join(house.workspace, 'first'), SECRET.slice(0, 20));
    writeFileSync(join(house.workspace, 'second'), SECRET.slice(20));
    writeFileSync(join(house.workspace, 'whole'), SECRET);
    const stream = await house.run({ prompt: `look for it; mine is ${SECRET}` });
    await stream.ended;

    expect(stream.payloads('run_completed')).toMatchObject([{ status: 'completed' }]);
    const told = JSON.stringify(stream.frames);
    expect(told).not.toContain(TAIL);
    expect(told).toContain(SECRET_MASK);
    for (const [id, text] of stream.texts()) {
      expect(stream.payloads('assistant_message').find(({ messageId }) => messageId === id)).toMatchObject({
        text,
      });
    }
    // The model was told no secret either, but what it wrote itself reached the disk as it wrote it.
    expect(seen.join('')).not.toContain(TAIL);
    expect(readFileSync(join(house.workspace, 'copy'), 'utf8')).toBe(`token ${SECRET}\n`);
    expect(stream.payloads('file_change')).toMatchObject([{ path: 'copy' }]);
    // And the mask itself is never written over the secret.
    expect(readFileSync(join(house.workspace, 'whole'), 'utf8')).toBe(SECRET);
    expect(stream.payloads('tool_result').at(-1)).toMatchObject({ status: 'failed' });
    house.daemon?.signal('SIGTERM');
    await house.daemon?.exited;
    expect(filesWith(TAIL, join(house.dir, 'device'))).toEqual([]);
  });

  it('52 is masked in errors and in the log, and the device’s own keys leave no trace outside their store', async () => {
    const apiKeyOf = (house: House): string => {
      const stored = JSON.parse(readFileSync(join(house.dir, 'device', 'secrets.json'), 'utf8'));
      return stored.values.apiKey;
    };
    let own = '';
    const model = await startChatModel((request) => {
      if (resultsIn(request) > 0)
        return {
          raw: (response) => response.writeHead(401).end(`{"error":{"message":"bad key ${SECRET} ${own}"}}`),
        };
      const encoded = Buffer.from(`key:${own}`).toString('base64');
      const cmd = `printf '%s\\n' '${own}' '${encoded}' '${encodeURIComponent(own)}'; cat nowhere-${SECRET}`;
      return { calls: [{ name: 'exec_command', args: { cmd, login: false } }] };
    });
    const house = await House.withModel(model.baseUrl);
    own = apiKeyOf(house);
    const stream = await house.run({ prompt: 'print it' });
    await stream.ended;
    expect(stream.payloads('run_completed')).toMatchObject([{ status: 'failed' }]);
    const told = JSON.stringify(stream.frames);
    for (const secret of [TAIL, own, Buffer.from(own).toString('base64').slice(8, 24)])
      expect(told).not.toContain(secret);
    house.daemon?.signal('SIGTERM');
    await house.daemon?.exited;
    expect(filesWith(TAIL, join(house.dir, 'device'))).toEqual([]);
    expect(filesWith(own, join(house.dir, 'device'))).toEqual(['secrets.json']);
  });
});
