import { halfBlocks } from './half-blocks.ts';

/** Capital letters and digits drawn three lines high, to be read from across a room. What has no drawing is left out. */
export function largeText(text: string): string[] {
  const drawn = [...text.toUpperCase()]
    .flatMap((letter) => LETTERS[letter] ?? [])
    .map((rows) => rows.split('/'));
  const points = Array.from({ length: ROWS }, (_, y) =>
    drawn.flatMap((rows) => [...(rows[y] ?? '').padEnd(COLUMNS)].map((point) => point === '#').concat(GAP)),
  );
  return halfBlocks(points).map((line) => line.trimEnd());
}

/** Five by five points each. */
const LETTERS: Readonly<Record<string, string>> = {
  A: ' ### /#   #/#####/#   #/#   #',
  B: '#### /#   #/#### /#   #/#### ',
  C: ' ####/#    /#    /#    / ####',
  D: '#### /#   #/#   #/#   #/#### ',
  E: '#####/#    /#### /#    /#####',
  F: '#####/#    /#### /#    /#    ',
  G: ' ####/#    /#  ##/#   #/ ### ',
  H: '#   #/#   #/#####/#   #/#   #',
  I: '#####/  #  /  #  /  #  /#####',
  J: '   ##/    #/    #/#   #/ ### ',
  K: '#   #/#  # /###  /#  # /#   #',
  L: '#    /#    /#    /#    /#####',
  M: '#   #/## ##/# # #/#   #/#   #',
  N: '#   #/##  #/# # #/#  ##/#   #',
  O: ' ### /#   #/#   #/#   #/ ### ',
  P: '#### /#   #/#### /#    /#    ',
  Q: ' ### /#   #/# # #/#  # / ## #',
  R: '#### /#   #/#### /#  # /#   #',
  S: ' ####/#    / ### /    #/#### ',
  T: '#####/  #  /  #  /  #  /  #  ',
  U: '#   #/#   #/#   #/#   #/ ### ',
  V: '#   #/#   #/#   #/ # # /  #  ',
  W: '#   #/#   #/# # #/## ##/#   #',
  X: '#   #/ # # /  #  / # # /#   #',
  Y: '#   #/ # # /  #  /  #  /  #  ',
  Z: '#####/   # /  #  / #   /#####',
  0: ' ### /#  ##/# # #/##  #/ ### ',
  1: '  #  / ##  /  #  /  #  /#####',
  2: '#### /    #/ ### /#    /#####',
  3: '#### /    #/ ### /    #/#### ',
  4: '#   #/#   #/#####/    #/    #',
  5: '#####/#    /#### /    #/#### ',
  6: ' ### /#    /#### /#   #/ ### ',
  7: '#####/   # /  #  / #   /#    ',
  8: ' ### /#   #/ ### /#   #/ ### ',
  9: ' ### /#   #/ ####/    #/ ### ',
};
const ROWS = 5;
const COLUMNS = 5;
const GAP = [false];
