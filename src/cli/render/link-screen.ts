import { encode } from 'uqr';
import { cleanLine } from './clean.ts';
import { halfBlocks } from './half-blocks.ts';
import { largeText } from './large-text.ts';
import type { Paint } from './paint.ts';

export interface LinkShown {
  code: string;
  url: string;
  fingerprint: string;
  label: string;
  hostname: string;
}

/** What a person needs to approve this device, side by side where it fits: a QR code of the page, and what to compare there. */
export function linkScreen(shown: LinkShown, columns: number, paint: Paint): string[] {
  const facts = [
    ...largeText(shown.code).map((line) => paint('bold', line)),
    '',
    paint('dim', 'Device'),
    `${cleanLine(shown.label)} on ${cleanLine(shown.hostname)}`,
    '',
    paint('dim', 'Key'),
    ...fingerprintRows(shown.fingerprint),
  ];
  const picture = qrCode(`${shown.url}#${shown.code}`);
  const width = picture[0]?.length ?? 0;
  if (columns < width + GAP + LONGEST_FACT) return facts;
  const above = Math.max(0, Math.floor((picture.length - facts.length) / 2));
  return picture.map((line, y) => {
    return `${paint('paper', line)}${' '.repeat(GAP)}${facts[y - above] ?? ''}`.trimEnd();
  });
}

/** A fingerprint as the mesh's page shows it: four rows of eight. */
export function fingerprintRows(fingerprint: string): string[] {
  return (fingerprint.match(/.{1,24}/g) ?? []).map((row) => row.replace(/:$/, ''));
}

/** Dark points on light paper: a scanner wants it so, whatever the terminal's own colours are. */
function qrCode(text: string): string[] {
  return halfBlocks(encode(text, { ecc: 'L', border: QUIET_ZONE }).data);
}

/** Of 4 points that the standard asks for; scanners make do with 2, and lines are dear. */
const QUIET_ZONE = 2;
const GAP = 3;
/** Six large letters. */
const LONGEST_FACT = 36;
