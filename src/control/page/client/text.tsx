import { showExactly } from '../../../kit/shown-text.ts';

/**
 * A text of a run, a model, a file, a device: as text, never as markup, and with what would not show written as an escape. Nothing in
 * it can be followed.
 */
export function Text({ children }: { children: string }) {
  return <>{shown(children)}</>;
}

/** The same for an attribute. */
export function shown(text: string): string {
  return showExactly(text.replaceAll('\r\n', '\n'));
}
