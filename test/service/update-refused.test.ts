import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { packedVersions } from './packed.ts';
import { openServer } from './server.ts';

vi.setConfig({ testTimeout: 240_000 });

const packVersion = packedVersions();

describe('runmesh update', () => {
  it('refuses what is no version of this program, one that does not start, and a link in the place of its folder', async () => {
    const server = await openServer();
    const refused = async (code: string, ...args: string[]) => {
      const { last } = await server.run('update', ...args);
      expect(last).toMatchObject({ type: 'error', code });
      return String(last.message);
    };
    await refused('usage', '--to', 'git+https://example.org/evil');
    await refused('usage', '--from', '/no/such.tgz');
    await refused('usage', '--from', '/no/such.tgz', '--to', '1.0.0');
    const foreign = await packVersion('98.0.0', (folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, name: 'something-else' }));
    });
    await refused('version_not_installable', '--from', foreign);
    const scripted = await packVersion('98.0.1', (folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const scripts = { postinstall: `touch ${join(server.house.dir, 'ran-a-script')}` };
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, scripts }));
      writeFileSync(join(folder, 'dist', 'cli', 'main.js'), 'throw new Error("broken at once");');
    });
    expect(await refused('version_not_installable', '--from', scripted)).toContain('does not start');
    expect(existsSync(join(server.house.dir, 'ran-a-script'))).toBe(false);
    const cut = join(server.house.dir, 'cut.tgz');
    writeFileSync(cut, readFileSync(scripted).subarray(0, 5_000));
    await refused('version_not_installable', '--from', cut);
    const needy = await packVersion('98.0.2', (folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, engines: { node: '>=99' } }));
    });
    await refused('version_needs_node', '--from', needy);
    expect(readdirSync(join(server.home, 'versions'))).toEqual([]);

    mkdirSync(join(server.home, 'current'));
    await refused('update_path_unsafe', '--from', needy);
    rmSync(join(server.home, 'current'), { recursive: true });
    chmodSync(join(server.home, 'versions'), 0o777);
    expect(await refused('update_path_unsafe', '--from', needy)).toContain('written by others');
  });
});
