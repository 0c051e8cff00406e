import { closeSync, openSync, rmSync, writeSync } from 'node:fs';

/**
 * Writes the file that a browser is started with, in place of the address: what a process was started with can be read by other
 * users (`ps`), and the address holds the token. Made anew each time, so that a link or an open file of old gets nothing.
 */
export function writeOpener(file: string, url: string): void {
  rmSync(file, { force: true });
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeSync(fd, HTML.replaceAll('URL', url));
  } finally {
    closeSync(fd);
  }
}

export function removeOpener(file: string): void {
  rmSync(file, { force: true });
}

/** A relative address, a token and a port have no character that means something to HTML. */
const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=URL">
<title>RunMesh</title>
<p><a href="URL">Open this device’s page</a></p>
</html>
`;
