/** A source of random decisions that follows from `parts` alone, so that a cycle can be played again. */
export function randomOf(...parts) {
  let state = hashOf(parts.join(' '));
  const unit = () => {
    // Mulberry32: small, and good enough to choose faults with.
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least, most) => least + Math.floor(unit() * (most - least + 1));
  return {
    unit,
    /** A whole number from `least` to `most`, both included. */
    between,
    chance: (share) => unit() < share,
    pick: (list) => list[between(0, list.length - 1)],
    /** Up to `count` different ones of the list. */
    sample: (list, count) => {
      const left = [...list];
      return Array.from(
        { length: Math.min(count, left.length) },
        () => left.splice(between(0, left.length - 1), 1)[0],
      );
    },
  };
}

/** FNV-1a, 32 bits. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
