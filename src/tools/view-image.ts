import { z } from 'zod';
import { readInside } from '../guard/files.ts';
import { RunmeshError } from '../kit/errors.ts';
import { readImageHeader } from './image-header.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('Image file (PNG, JPEG, GIF or WebP), relative to the workspace.'),
  detail: z
    .enum(['auto', 'low', 'high', 'original'])
    .optional()
    .describe('Accepted for compatibility; the image is sent as it is.'),
});

export const viewImage: Tool<z.infer<typeof input>> = {
  name: 'view_image',
  description: 'Shows you an image file of the workspace.',
  input,
  repeatable: true,
  execute: async ({ path }, { workspace }) => {
    const file = await readInside(workspace, path, MAX_IMAGE_BYTES);
    const header = readImageHeader(file.data);
    if (header === undefined) {
      throw new RunmeshError('not_an_image', `${file.path} is not a PNG, JPEG, GIF or WebP image.`);
    }
    const { mediaType, width, height } = header;
    if (Math.max(width, height) > MAX_SIDE) {
      throw new RunmeshError(
        'image_too_large',
        `${file.path} is ${width} × ${height}; at most ${MAX_SIDE} pixels a side can be shown.`,
      );
    }
    return {
      text: `${file.path}, ${mediaType}, ${width} × ${height}`,
      content: [{ type: 'image', mediaType, data: file.data.toString('base64') }],
    };
  },
};

/** Providers refuse more (Anthropic: 5 MB and 8,000 pixels a side). */
const MAX_IMAGE_BYTES = 5 * 1_000_000;
const MAX_SIDE = 8_000;
