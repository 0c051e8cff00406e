import { z } from 'zod';
import { readInside } from '../guard/files.ts';
import { RunmeshError } from '../kit/errors.ts';
import { readImageHeader } from './image-header.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('PNG, JPEG, GIF or WebP file, relative to the workspace.'),
  detail: z
    .enum(['auto', 'low', 'high', 'original'])
    .optional()
    .describe('Taken for compatibility. The image is always shown as it is.'),
});

export const viewImage: Tool<z.infer<typeof input>> = {
  name: 'view_image',
  description: 'Shows you an image file of the workspace: at most 5 MB and 8000 pixels a side.',
  input,
  repeatable: true,
  execute: async ({ path }, { workspace }) => {
    const file = await readInside(workspace, path, MAX_IMAGE_BYTES);
    const header = readImageHeader(file.data);
    if (header === undefined) {
      throw new RunmeshError(
        'not_an_image',
        `${file.path} is not a whole PNG, JPEG, GIF or WebP image. Convert it to one of these with a command.`,
      );
    }
    const { mediaType, width, height } = header;
    // A small file may unpack to a picture of gigabytes: the header is believed before anybody unpacks it.
    if (Math.min(width, height) < 1 || Math.max(width, height) > MAX_SIDE) {
      throw new RunmeshError(
        'image_size',
        `${file.path} is ${width} × ${height} pixels; between 1 and ${MAX_SIDE} a side can be shown.`,
      );
    }
    return {
      text: `${file.path}: ${mediaType}, ${width} × ${height} pixels, ${file.data.length} bytes`,
      content: [{ type: 'image', mediaType, data: file.data.toString('base64') }],
    };
  },
};

/** What model providers take at most. */
const MAX_IMAGE_BYTES = 5_000_000;
const MAX_SIDE = 8_000;
