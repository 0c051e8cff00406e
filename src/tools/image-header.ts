export interface ImageHeader {
  mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  /** Pixels. */
  width: number;
  height: number;
}

/** Kind and size of an image by its own bytes, never by its name; `undefined` for anything else, cut or broken ones too. */
export function readImageHeader(data: Buffer): ImageHeader | undefined {
  if (data.length < 30) return undefined;
  const begins = (text: string, at = 0) => data.toString('latin1', at, at + text.length) === text;
  if (begins('\x89PNG\r\n\x1a\n') && begins('IHDR', 12)) {
    return { mediaType: 'image/png', width: data.readUInt32BE(16), height: data.readUInt32BE(20) };
  }
  if (begins('GIF87a') || begins('GIF89a')) {
    return { mediaType: 'image/gif', width: data.readUInt16LE(6), height: data.readUInt16LE(8) };
  }
  if (begins('RIFF') && begins('WEBP', 8)) return readWebp(data);
  return begins('\xff\xd8\xff') ? readJpeg(data) : undefined;
}

/** The three kinds of chunk a WebP file may begin with (RFC 9649). */
function readWebp(data: Buffer): ImageHeader | undefined {
  const mediaType = 'image/webp';
  const chunk = data.toString('latin1', 12, 16);
  if (chunk === 'VP8X') {
    return { mediaType, width: data.readUIntLE(24, 3) + 1, height: data.readUIntLE(27, 3) + 1 };
  }
  if (chunk === 'VP8 ') {
    return { mediaType, width: data.readUInt16LE(26) & 0x3fff, height: data.readUInt16LE(28) & 0x3fff };
  }
  if (chunk !== 'VP8L') return undefined;
  const bits = data.readUInt32LE(21);
  return { mediaType, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

/** Walks the segments to the frame header, which has the size (ITU T.81, B.2.2). */
function readJpeg(data: Buffer): ImageHeader | undefined {
  for (let at = 2; at + 9 <= data.length; at += 2 + data.readUInt16BE(at + 2)) {
    // A segment may be led in by any number of fill bytes.
    while (data[at] === 0xff && data[at + 1] === 0xff) at += 1;
    const marker = data[at + 1] ?? 0;
    if (data[at] !== 0xff || at + 9 > data.length) return undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.has(marker);
    if (isFrame) {
      return { mediaType: 'image/jpeg', width: data.readUInt16BE(at + 7), height: data.readUInt16BE(at + 5) };
    }
  }
  return undefined;
}

/** Huffman tables, a reserved marker, arithmetic conditioning: in the range of frames and none. */
const NO_FRAMES: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);
