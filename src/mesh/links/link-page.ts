import { DEVICE_REQUESTS } from '../../protocol/nodes.ts';
import { LINK_PAGE_SCRIPT } from './link-page-script.ts';
import { LINK_PAGE_STYLE } from './link-page-style.ts';

/**
 * The page on which the owner approves a device. A code may come with the address (`#ABC234`, as the device's QR code
 * has it), but nothing is approved by arriving: the key is typed, the device's facts are shown, and the owner says that
 * they are those on the device. Nothing runs but the one script that carries `nonce`, nothing is loaded, nobody may
 * frame it.
 */
export function linkPage(nonce: string): Response {
  return new Response(HTML.replaceAll('NONCE', nonce), {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        `style-src 'nonce-${nonce}'`,
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ].join('; '),
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
    },
  });
}

const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Link a device</title>
<style nonce="NONCE">${LINK_PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>Link a device</h1>
<p>A linked device works for your account: agents you start run on it. Go on only if you started
<code>runmesh link</code> on it yourself.</p>
<form id="find">
<label for="key">API key of your account</label>
<input id="key" type="password" autocomplete="off" spellcheck="false" required>
<label for="code">Code shown on the device</label>
<input id="code" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="12" required>
<button>Show the device</button>
</form>
<section id="device" hidden aria-labelledby="heading">
<h2 id="heading" tabindex="-1">Is this your device?</h2>
<p id="replaces" class="warning" hidden></p>
<dl id="facts"></dl>
<h3>It will be able to</h3>
<ul id="requests"></ul>
<label class="check"><input id="same" type="checkbox"> The device shows this code and this key.</label>
<div class="answers">
<button id="approve" type="button" disabled>Approve</button>
<button id="deny" type="button">Deny</button>
</div>
</section>
<p id="status" role="status" aria-live="polite"></p>
</main>
<script nonce="NONCE">
const REQUESTS = ${JSON.stringify(DEVICE_REQUESTS)};
${LINK_PAGE_SCRIPT}
</script>
</body>
</html>
`;
