import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readImageHeader } from '../../src/tools/image-header.ts';
import { viewImage } from '../../src/tools/view-image.ts';
import { call, workspaceWith } from './harness.ts';

/** A picture of one pixel, as encoders write it. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const WEBP_LOSSY = Buffer.from('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA', 'base64');
const WEBP_LOSSLESS = Buffer.from('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==', 'base64');

function pngOf(width: number, height: number): Buffer {
  const png = Buffer.from(PNG);
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  return png;
}

/** Start, an APP0 segment, fill bytes, and a frame of this size: as far as a reader of headers goes. */
function jpegOf(width: number, height: number): Buffer {
  const frame = Buffer.from([0xff, 0xff, 0xc2, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(height, 6);
  frame.writeUInt16BE(width, 8);
  return Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), Buffer.alloc(14), frame]);
}

function extendedWebpOf(width: number, height: number): Buffer {
  const webp = Buffer.alloc(40);
  webp.write('RIFF', 0);
  webp.write('WEBPVP8X', 8);
  webp.writeUIntLE(width - 1, 24, 3);
  webp.writeUIntLE(height - 1, 27, 3);
  return webp;
}

describe('view_image', () => {
  it.each([
    ['image/png', pngOf(640, 480), 640, 480],
    ['image/gif', GIF, 1, 1],
    ['image/jpeg', jpegOf(300, 200), 300, 200],
    ['image/webp', WEBP_LOSSY, 1, 1],
    ['image/webp', WEBP_LOSSLESS, 1, 1],
    ['image/webp', extendedWebpOf(4_000, 3_000), 4_000, 3_000],
  ])('shows an %s by its bytes, whatever its name', async (mediaType, data, width, height) => {
    const output = await call(viewImage, workspaceWith({ 'picture.txt': data }), { path: 'picture.txt' });
    expect(output).toEqual({
      text: `picture.txt: ${mediaType}, ${width} × ${height} pixels, ${data.length} bytes`,
      content: [{ type: 'image', mediaType, data: data.toString('base64') }],
    });
  });

  it.each([
    ['a picture that unpacks to gigabytes', pngOf(50_000, 50_000), '50000 × 50000'],
    ['a picture without pixels', pngOf(0, 10), '0 × 10'],
    [
      'a drawing',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'),
      'not a whole',
    ],
    ['a picture that is cut off', PNG.subarray(0, 20), 'not a whole'],
    ['more than 5 MB', Buffer.concat([PNG, Buffer.alloc(5_000_000)]), 'at most 5000000'],
  ])('refuses %s', async (_, data, why) => {
    const output = await call(viewImage, workspaceWith({ 'picture.png': data }), { path: 'picture.png' });
    expect(output).toMatchObject({ isError: true, text: expect.stringContaining(why) });
    expect(output.content).toBeUndefined();
  });

  it('refuses an unknown detail and a path outside', async () => {
    const workspace = workspaceWith({ 'picture.png': PNG });
    expect((await call(viewImage, workspace, { path: 'picture.png', detail: 'huge' })).text).toContain(
      '"detail"',
    );
    expect(await call(viewImage, workspace, { path: '../picture.png' })).toMatchObject({ isError: true });
  });

  it('reads the header of any bytes without an error', () => {
    const heads = [PNG, GIF, WEBP_LOSSY, WEBP_LOSSLESS, jpegOf(1, 1), extendedWebpOf(1, 1)];
    const bytes = fc
      .tuple(fc.constantFrom(...heads), fc.nat(40), fc.uint8Array({ maxLength: 60 }))
      .map(([head, kept, rest]) => Buffer.concat([head.subarray(0, kept), rest]));
    fc.assert(
      fc.property(bytes, (data) => void readImageHeader(data)),
      { numRuns: 2_000 },
    );
  });
});
