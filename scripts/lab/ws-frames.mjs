/**
 * Cuts one direction of a WebSocket connection into units that may be sent, delayed or sent twice as they are: first the
 * HTTP head, then whole frames with their text. What is no WebSocket passes as it comes.
 */
export class FrameCutter {
  #rest = Buffer.alloc(0);
  #phase = 'head';

  /** Answers `{ bytes, text }`, `text` where the unit is a text frame. */
  push(chunk) {
    if (this.#phase === 'other') return [{ bytes: chunk }];
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const units = [];
    if (this.#phase === 'head') {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return [];
      const head = this.#take(end + 4);
      this.#phase = /upgrade: *websocket/i.test(head.toString('latin1')) ? 'frames' : 'other';
      units.push({ bytes: head });
      if (this.#phase === 'other') return [...units, { bytes: this.#take(this.#rest.length) }];
    }
    for (let frame = this.#frame(); frame; frame = this.#frame()) units.push(frame);
    return units;
  }

  #frame() {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const masked = (rest[1] & 0x80) !== 0;
    let length = rest[1] & 0x7f;
    let at = 2;
    if (length === 126) {
      if (rest.length < 4) return undefined;
      length = rest.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (rest.length < 10) return undefined;
      length = Number(rest.readBigUInt64BE(2));
      at = 10;
    }
    const mask = masked ? rest.subarray(at, at + 4) : undefined;
    const begin = at + (masked ? 4 : 0);
    if (rest.length < begin + length) return undefined;
    const opcode = rest[0] & 0x0f;
    const bytes = this.#take(begin + length);
    if (opcode !== TEXT) return { bytes };
    const payload = Buffer.from(bytes.subarray(begin));
    if (mask) for (let n = 0; n < payload.length; n += 1) payload[n] ^= mask[n % 4];
    return { bytes, text: payload.toString() };
  }

  #take(length) {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }
}

const TEXT = 1;
