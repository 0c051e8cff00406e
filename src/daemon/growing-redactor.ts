import { createRedactor, type Redactor } from '../guard/redact.ts';

export interface GrowingRedactor extends Redactor {
  /** From now on these are masked too. A stream that is under way goes on with what was known when it began. */
  learn(secrets: readonly string[]): void;
}

/** A redactor for a device that comes to know its secrets one after the other: a locked store gives them later. */
export function growingRedactor(secrets: readonly string[]): GrowingRedactor {
  const known = new Set(secrets);
  let current = createRedactor([...known]);
  return {
    text: (text) => current.text(text),
    stream: () => current.stream(),
    learn: (more) => {
      if (more.every((secret) => known.has(secret))) return;
      for (const secret of more) known.add(secret);
      current = createRedactor([...known]);
    },
  };
}
