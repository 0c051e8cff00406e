/** What the page does, in the browser. Whatever a device said of itself is set as text, never as markup. */
export const LINK_PAGE_SCRIPT = String.raw`
const at = (id) => document.getElementById(id);
const FACTS = [
  ['Code', (device) => device.code],
  ['Name', (device) => device.label],
  ['Host', (device) => device.hostname],
  ['System', (device) => device.os],
  ['Version', (device) => device.appVersion],
  ['Key', (device) => inRows(device.keyFingerprint), 'fingerprint'],
  ['Asked from', (device) => device.address],
  ['Asked', (device) => ago(device.createdAt) + ', at ' + new Date(device.createdAt).toLocaleTimeString()],
];
let shown = '';

function inRows(fingerprint) {
  return fingerprint.match(/.{1,24}/g).map((row) => row.replace(/:$/, '')).join('\n');
}
function ago(instant) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(instant)) / 1000));
  if (seconds < 60) return seconds + ' seconds ago';
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? 'a minute ago' : minutes + ' minutes ago';
}
function codeTyped() {
  return at('code').value.replace(/[^A-Za-z0-9]/g, '').toUpperCase();
}
function tell(text, kind) {
  at('status').textContent = text;
  at('status').className = kind || '';
}
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
function work(doing) {
  tell('');
  doing().catch((error) => tell(error.message || 'The mesh cannot be reached.', 'bad'));
}
function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
function show(device) {
  at('facts').replaceChildren(...FACTS.flatMap(([title, read, className]) =>
    [element('dt', title), element('dd', read(device), className)]));
  at('requests').replaceChildren(...Object.keys(REQUESTS).filter((name) => device.requests.includes(name))
    .map((name) => element('li', REQUESTS[name])));
  if (device.requests.length === 0) at('requests').append(element('li', 'it did not say'));
  at('replaces').hidden = device.replaces === null;
  if (device.replaces) {
    at('replaces').textContent = 'It takes the place of “' + device.replaces.label + '” (' + device.replaces.deviceId
      + '), whose key was ' + device.replaces.keyFingerprint + '. The old key ends.';
  }
  at('same').checked = false;
  at('approve').disabled = true;
  shown = device.code;
  at('device').hidden = device.status !== 'pending';
  if (device.status !== 'pending') tell('This code is ' + device.status + '. Start runmesh link again on the device.', 'bad');
  else at('heading').focus();
}
at('find').addEventListener('submit', (event) => {
  event.preventDefault();
  at('device').hidden = true;
  work(async () => show(await call(encodeURIComponent(codeTyped()))));
});
at('same').addEventListener('change', () => { at('approve').disabled = !at('same').checked; });
function answer(deny) {
  work(async () => {
    const { status } = await call('approve', { code: shown, deny });
    at('device').hidden = true;
    tell('The device is ' + status + '. You can close this page.', status === 'approved' ? 'good' : 'bad');
  });
}
at('approve').addEventListener('click', () => answer(false));
at('deny').addEventListener('click', () => answer(true));
function takeCodeOfAddress() {
  if (/^#[A-Za-z0-9]{4,12}$/.test(location.hash)) at('code').value = location.hash.slice(1).toUpperCase();
  if (location.hash) history.replaceState(null, '', location.pathname);
}
addEventListener('hashchange', takeCodeOfAddress);
takeCodeOfAddress();
at('key').focus();
`;
