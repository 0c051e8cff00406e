import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../src/device/proxy-choice.ts';

const proxies = { secure: 'http://secure.proxy:3128', plain: 'http://plain.proxy:3128' };
const through = (address: string, except = '') => proxyFor(new URL(address), { ...proxies, except });

describe('the choice of a proxy', () => {
  it('follows the scheme of the address, a WebSocket’s as that of the page it would be on', () => {
    expect(through('https://mesh.example')).toBe(proxies.secure);
    expect(through('wss://mesh.example')).toBe(proxies.secure);
    expect(through('http://mesh.example')).toBe(proxies.plain);
    expect(through('ws://mesh.example')).toBe(proxies.plain);
    expect(proxyFor(new URL('https://mesh.example'), { except: '' })).toBeUndefined();
  });

  it('is none for loopback, whatever is set', () => {
    for (const host of ['localhost', 'app.localhost', '127.0.0.1', '127.9.9.9', '[::1]']) {
      expect(through(`http://${host}:4780`), host).toBeUndefined();
    }
  });

  it.each([
    ['mesh.example', 'https://mesh.example'],
    ['example', 'https://mesh.example'],
    ['.example', 'https://mesh.example'],
    ['*.example', 'https://a.b.example'],
    ['MESH.example', 'https://mesh.EXAMPLE'],
    ['other, mesh.example:443', 'https://mesh.example'],
    ['mesh.example:8443', 'wss://mesh.example:8443'],
    ['10.0.0.0/8', 'https://10.1.2.3'],
    ['192.0.2.7', 'http://192.0.2.7'],
    ['fd00::/8', 'https://[fd00::1]'],
    ['fd00::1', 'https://[fd00::1]'],
    ['*', 'https://anybody.example'],
  ])('is none where NO_PROXY is %s and the address %s', (except, address) => {
    expect(through(address, except)).toBeUndefined();
  });

  it.each([
    ['', 'https://mesh.example'],
    ['mesh.example:8443', 'https://mesh.example'],
    ['esh.example', 'https://mesh.example'],
    ['mesh.example', 'https://mesh.example.evil'],
    ['10.0.0.0/8', 'https://11.1.2.3'],
    ['10.0.0.0/99', 'https://10.1.2.3'],
    ['10.0.0.0/8', 'https://[fd00::1]'],
    ['nonsense/8', 'https://10.1.2.3'],
  ])('is the proxy where NO_PROXY is "%s" and the address %s', (except, address) => {
    expect(through(address, except)).toBe(proxies.secure);
  });
});
