import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AUDIT_TYPES, auditText } from '../src/protocol/audit.ts';
import { CLOSE_CODES } from '../src/protocol/close-codes.ts';
import { ERROR_STATUS, RUN_ERROR_CODES } from '../src/protocol/errors.ts';
import { DELTA_EVENT, DURABLE_PAYLOADS } from '../src/protocol/events.ts';
import { CONNECT_PATH, DEVICE_FRAMES, MESH_FRAMES, SUBPROTOCOL } from '../src/protocol/frames.ts';
import { LIMITS } from '../src/protocol/limits.ts';
import { runStatus } from '../src/protocol/run-api.ts';
import { helloText, linkPollText } from '../src/protocol/signing.ts';

const DOC = readFileSync(new URL('../src/protocol/README.md', import.meta.url), 'utf8');

/** The rows of the table whose first header cell is `header`, as trimmed cells without backticks. */
function table(header: string): string[][] {
  const lines = DOC.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${header} |`));
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  }
  return rows;
}

describe('the protocol document', () => {
  it('lists every frame with its fields, and no other', () => {
    const rows = (from: string, frames: typeof DEVICE_FRAMES | typeof MESH_FRAMES) =>
      Object.entries(frames).map(([name, schema]) => [
        name,
        from,
        Object.keys(schema.shape)
          .filter((key) => key !== 'type')
          .join(', '),
      ]);
    expect(table('frame')).toEqual([...rows('device', DEVICE_FRAMES), ...rows('mesh', MESH_FRAMES)]);
  });

  it('lists every limit with its value', () => {
    const rows = table('name').map(([name, value]) => [name, Number(value?.replaceAll(',', ''))]);
    expect(rows).toEqual(Object.entries(LIMITS));
  });

  it('lists every close code with what follows from it', () => {
    const rows = Object.entries(CLOSE_CODES).map(([name, { code, again, meaning }]) => [
      String(code),
      name,
      again ? 'comes again' : 'final',
      meaning,
    ]);
    expect(table('code')).toEqual(rows);
  });

  it('lists every error code with its HTTP status', () => {
    const rows = Object.entries(ERROR_STATUS).map(([code, status]) => [code, String(status)]);
    expect(table('error code')).toEqual(rows);
  });

  it('lists every durable type with its payload, and every live type', () => {
    const rows = Object.entries(DURABLE_PAYLOADS).map(([type, schema]) => [
      type,
      Object.keys(schema.shape).join(', ') || 'any',
    ]);
    expect(table('durable type')).toEqual(rows);
    expect(table('live type').map(([type, kind]) => [kind, type])).toEqual(Object.entries(DELTA_EVENT));
  });

  it('lists every audit type, and the text that is hashed', () => {
    expect(table('audit type')).toEqual(Object.entries(AUDIT_TYPES));
    const record = { n: 7, at: '{at}', type: '{type}', runId: null, detail: {} };
    expect(DOC).toContain(auditText('{previousHash}', record));
  });

  it('names every run status and every reason of ours for a failed run', () => {
    for (const word of [...runStatus.options, ...RUN_ERROR_CODES]) expect(DOC).toContain(`\`${word}\``);
  });

  it('gives the signed texts, the path and the subprotocol as the code has them', () => {
    const shown = (text: string) => text.replaceAll('\n', '\\n');
    expect(DOC).toContain(shown(helloText({ nonce: '{nonce}', deviceId: '{deviceId}', origin: '{origin}' })));
    expect(DOC).toContain(shown(linkPollText({ code: '{code}', origin: '{origin}' })));
    expect(DOC).toContain(CONNECT_PATH);
    expect(DOC).toContain(`subprotocol \`${SUBPROTOCOL}\``);
  });
});
