import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FrameCutter } from './ws-frames.mjs';

/**
 * A TCP proxy on loopback that can be a bad network: reset, ended, half-open, slow, cut into small pieces, or one that
 * brings whole frames twice. `onFrame(direction, text)` sees what passed: `up` from the device, `down` from the mesh.
 */
export async function openProxy(portOf, onFrame = () => {}) {
  const links = new Set();
  const state = { refuses: false, delayMs: 0, pieceBytes: 0, twice: () => false };
  const events = { lastChangeAt: performance.now(), lastTroubleAt: performance.now() };
  const changed = () => {
    events.lastChangeAt = performance.now();
  };
  const troubled = () => {
    changed();
    events.lastTroubleAt = performance.now();
  };
  const server = createServer((near) => {
    changed();
    if (state.refuses) return near.resetAndDestroy();
    const far = connect({ port: portOf(), host: '127.0.0.1', noDelay: true });
    near.setNoDelay(true);
    const link = { near, far, hole: false };
    links.add(link);
    carry(link, near, far, 'up', state, onFrame);
    carry(link, far, near, 'down', state, onFrame);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      one.on('error', () => {});
      one.on('close', (hadError) => {
        changed();
        links.delete(link);
        // A half-open connection is one whose other end nobody hears of.
        if (link.hole) return;
        if (hadError) other.resetAndDestroy();
        else other.destroySoon();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    state,
    /** When a connection last came or went. */
    lastChangeAt: () => events.lastChangeAt,
    /** When it was last tampered with, and whether it is left alone now. */
    lastTroubleAt: () => events.lastTroubleAt,
    calm: () => !state.refuses && state.delayMs === 0 && state.pieceBytes === 0,
    reset: () => {
      troubled();
      for (const { near, far } of links) for (const end of [near, far]) end.resetAndDestroy();
    },
    end: () => {
      troubled();
      for (const { near, far } of links) for (const end of [near, far]) end.end();
    },
    /** From now on these connections bring nothing and say nothing, for ever; new ones are whole. */
    hole: () => {
      troubled();
      for (const link of links) link.hole = true;
    },
    heal: () => {
      troubled();
      Object.assign(state, { refuses: false, delayMs: 0, pieceBytes: 0, twice: () => false });
    },
    close: () => {
      for (const { near, far } of links) for (const end of [near, far]) end.destroy();
      server.close();
    },
  };
}

function carry(link, from, to, direction, state, onFrame) {
  const cutter = new FrameCutter();
  let queue = Promise.resolve();
  let waiting = 0;
  const send = async (bytes, { delayMs, pieceBytes }) => {
    if (delayMs > 0) await delay(delayMs);
    const step = pieceBytes > 0 ? pieceBytes : Math.max(1, bytes.length);
    for (let at = 0; at < bytes.length; at += step) {
      if (link.hole || to.destroyed || !to.writable) return;
      to.write(bytes.subarray(at, at + step));
      // Pieces of one turn of the event loop would leave as one.
      if (pieceBytes > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  from.on('data', (chunk) => {
    if (link.hole) return;
    for (const { bytes, text } of cutter.push(chunk)) {
      const times = text !== undefined && state.twice(direction, text) ? 2 : 1;
      const how = { ...state };
      waiting += 1;
      queue = queue.then(async () => {
        for (let n = 0; n < times; n += 1) await send(bytes, how);
        if (text !== undefined && !link.hole) onFrame(direction, text);
        waiting -= 1;
        if (waiting === 0 && from.isPaused()) from.resume();
      });
    }
    if (waiting > MOST_WAITING) from.pause();
  });
  from.on('end', () => {
    queue = queue.then(() => {
      if (!link.hole) to.end();
    });
  });
}

const MOST_WAITING = 256;
