import { styleText } from 'node:util';
import type { Environment } from '../../device/paths.ts';
import type { Terminal } from '../context.ts';

/** `paper`: black on white, whatever the terminal's own colours are. */
type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'paper';

/** Colours a text where colours are wanted, and gives it back as it is elsewhere. */
export type Paint = (format: Format, text: string) => string;

/** Colours go to terminals alone, and not where `NO_COLOR` is set (no-color.org) or the terminal is `dumb`. */
export function createPaint(env: Environment, terminal: Terminal): Paint {
  const wanted = terminal.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  if (!wanted) return (_format, text) => text;
  return (format, text) =>
    styleText(format === 'paper' ? ['black', 'bgWhiteBright'] : format, text, { validateStream: false });
}
