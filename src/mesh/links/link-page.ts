/**
 * The page on which the owner approves a device: key and code are typed, the device's facts are shown, and only then
 * can it be approved. Nothing runs but the one script that carries `nonce`, nothing is loaded, nobody may frame it.
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
<title>Link a device</title>
<style nonce="NONCE">
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }
label { display: block; margin-top: 1rem; }
input { font: inherit; width: 100%; padding: .4rem; box-sizing: border-box; }
button { font: inherit; padding: .4rem 1rem; margin: 1rem .5rem 0 0; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
</style>
</head>
<body>
<main>
<h1>Link a device</h1>
<p>You are about to let a device run agents for you. Approve it only if you started <code>runmesh link</code> on it
yourself.</p>
<form id="find">
<label>API key <input id="key" type="password" autocomplete="off" required></label>
<label>Code shown on the device <input id="code" autocomplete="off" maxlength="6" required></label>
<button>Show the device</button>
</form>
<section id="device" hidden aria-labelledby="heading">
<h2 id="heading">Is this your device?</h2>
<dl id="facts"></dl>
<button id="approve" type="button">Approve</button>
<button id="deny" type="button">Deny</button>
</section>
<p id="status" role="status"></p>
</main>
<script nonce="NONCE">
const at = (id) => document.getElementById(id);
const FACTS = { label: 'Name', hostname: 'Host', os: 'System', appVersion: 'Version', keyFingerprint: 'Key fingerprint',
  address: 'Asked from', createdAt: 'Asked at' };
let shown = '';
async function call(path, body) {
  const response = await fetch('/v1/runmesh/devices/link/' + path, {
    method: body ? 'POST' : 'GET',
    headers: { 'Authorization': 'Bearer ' + at('key').value.trim(), 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer.data;
}
function say(work) {
  at('status').textContent = '';
  work().catch((error) => { at('status').textContent = error.message; });
}
at('find').addEventListener('submit', (event) => {
  event.preventDefault();
  say(async () => {
    const device = await call(encodeURIComponent(at('code').value.trim()));
    at('facts').replaceChildren(...Object.entries(FACTS).flatMap(([name, title]) => {
      const term = document.createElement('dt');
      const value = document.createElement('dd');
      term.textContent = title;
      value.textContent = device[name];
      return [term, value];
    }));
    shown = device.code;
    at('device').hidden = device.status !== 'pending';
    if (device.status !== 'pending') at('status').textContent = 'This code is ' + device.status + '.';
    else at('approve').focus();
  });
});
function answer(deny) {
  say(async () => {
    const { status } = await call('approve', { code: shown, deny });
    at('device').hidden = true;
    at('status').textContent = 'The device is ' + status + '.';
  });
}
at('approve').addEventListener('click', () => answer(false));
at('deny').addEventListener('click', () => answer(true));
</script>
</body>
</html>
`;
