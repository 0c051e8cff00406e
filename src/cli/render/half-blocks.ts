/** A picture of black and white points as lines of text, two points above each other a character. */
export function halfBlocks(points: readonly (readonly boolean[])[]): string[] {
  const lines: string[] = [];
  for (let y = 0; y < points.length; y += 2) {
    const [upper, lower] = [points[y] ?? [], points[y + 1] ?? []];
    lines.push(upper.map((on, x) => BLOCKS[(on ? 2 : 0) + (lower[x] ? 1 : 0)]).join(''));
  }
  return lines;
}

const BLOCKS = [' ', '▄', '▀', '█'] as const;
