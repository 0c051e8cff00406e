import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { deleteInside, listInside, readInside, writeInside } from '../../src/guard/files.ts';
import { attack, refusesAll, type Scene, SECRET } from './harness.ts';

const commands = true;

/** Every file tool at a path; each must answer an error and no secret. */
async function refusesTools({ tool }: Scene, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const calls: [string, object][] = [
      ['read_file', { path }],
      ['write_file', { path, content: 'evil' }],
      ['edit_file', { path, old_string: 'a', new_string: 'evil' }],
      ['delete_file', { path }],
      ['view_image', { path }],
      ['apply_patch', { input: `*** Begin Patch\n*** Add File: ${path}\n+evil\n*** End Patch` }],
      ['apply_patch', { input: `*** Begin Patch\n*** Delete File: ${path}\n*** End Patch` }],
    ];
    for (const [name, args] of calls) {
      const answer = await tool(name, args);
      expect(answer.isError, `${name} ${path}: ${answer.text}`).toBe(true);
      expect(answer.text).not.toContain(SECRET);
    }
  }
}

describe('out of the workspace', () => {
  attack('1 by .. with file tools', {}, (scene) =>
    refusesTools(scene, [
      '../elsewhere/letter.txt',
      'src/../../elsewhere/letter.txt',
      '../../state/config.json',
    ]),
  );

  attack('1 by .. with a command', { commands }, (scene) =>
    refusesAll(scene, ['echo evil > ../elsewhere/letter.txt', 'rm -rf ../elsewhere', 'touch ../new']),
  );

  attack('2 by an absolute path with file tools', {}, (scene) =>
    refusesTools(scene, [
      join(scene.outside, 'letter.txt'),
      '/etc/hostname',
      join(scene.state, 'config.json'),
    ]),
  );

  attack('2 by an absolute path with a command', { commands }, (scene) =>
    refusesAll(scene, [
      `echo evil > ${scene.outside}/letter.txt`,
      `echo evil > ${scene.home}/new`,
      'echo evil > /etc/runmesh-evil',
      'echo evil > /usr/local/bin/runmesh-evil',
      'echo evil > /tmp/runmesh-evil',
      'echo evil > /var/tmp/runmesh-evil',
      'mkdir /runmesh-evil',
      'chmod 777 /etc/hostname',
    ]),
  );

  attack(
    '3 through a link, to a file, to a folder and to nothing yet',
    {
      commands,
      prepare: ({ root, outside, home }) => {
        symlinkSync(join(outside, 'letter.txt'), join(root, 'file'));
        symlinkSync(outside, join(root, 'folder'));
        symlinkSync(join(home, 'planted'), join(root, 'dangling'));
      },
    },
    async (scene) => {
      for (const path of ['file', 'folder/letter.txt', 'dangling', 'folder/new']) {
        expect((await scene.tool('write_file', { path, content: 'evil' })).isError).toBe(true);
      }
      for (const path of ['file', 'folder/letter.txt']) {
        expect((await scene.tool('read_file', { path })).isError).toBe(true);
      }
      await refusesAll(scene, [
        'echo evil > file',
        'echo evil > folder/new',
        'rm folder/letter.txt',
        'echo evil > dangling',
      ]);
    },
  );

  attack(
    '3 through a link that a command makes',
    { commands, mayChange: ['home/project/out'] },
    async (scene) => {
      await scene.shell(`ln -s ${scene.outside} out`);
      expect((await scene.tool('write_file', { path: 'out/letter.txt', content: 'evil' })).isError).toBe(
        true,
      );
      expect((await scene.tool('read_file', { path: 'out/letter.txt' })).isError).toBe(true);
      expect((await scene.tool('list_directory', { path: 'out' })).isError).toBe(true);
      await refusesAll(scene, ['echo evil > out/letter.txt']);
    },
  );

  attack(
    '4 by swapping a folder for a link under the tools’ hands, ten thousand times',
    {
      mayChange: ['home/project/swap', 'home/project/swap-', 'home/project/away'],
      timeout: 240_000,
      prepare: ({ root, outside }) => {
        mkdirSync(join(root, 'swap'));
        writeFileSync(join(root, 'swap', 'letter.txt'), 'inside\n');
        symlinkSync(outside, join(root, 'away'));
      },
    },
    async ({ root, workspace }) => {
      const swapper = swapForEver(join(root, 'swap'), join(root, 'away'));
      const seen = new Set<string>();
      const attempts = [
        () => writeInside(workspace, 'swap/letter.txt', 'inside\n'),
        async () => seen.add((await readInside(workspace, 'swap/letter.txt', 100)).data.toString()),
        async () => {
          for (const { name } of (await listInside(workspace, 'swap')).entries) seen.add(name);
        },
        () => deleteInside(workspace, 'swap/letter.txt'),
      ];
      for (let n = 0; n < 2_500; n += 1) {
        await Promise.all(attempts.map((attempt) => attempt().catch(() => {})));
      }
      swapper.kill('SIGKILL');
      // A file that is being replaced has a name of its own for a moment.
      const strange = [...seen].filter((one) => !['inside\n', 'letter.txt'].includes(one));
      expect(strange.filter((name) => !name.startsWith('.runmesh-'))).toEqual([]);
    },
  );

  attack(
    '5 by swapping the file itself for a link, a thousand times',
    {
      mayChange: ['home/project/swap', 'home/project/swap-', 'home/project/away'],
      timeout: 240_000,
      prepare: ({ root, outside }) => {
        writeFileSync(join(root, 'swap'), 'inside\n');
        symlinkSync(join(outside, 'letter.txt'), join(root, 'away'));
      },
    },
    async ({ root, workspace }) => {
      const swapper = swapForEver(join(root, 'swap'), join(root, 'away'));
      const read = new Set<string>();
      for (let n = 0; n < 1_000; n += 1) {
        const file = await readInside(workspace, 'swap', 100).catch(() => undefined);
        if (file !== undefined) read.add(file.data.toString());
      }
      swapper.kill('SIGKILL');
      expect([...read].filter((text) => text !== 'inside\n')).toEqual([]);
    },
  );

  attack(
    '6 through a hard link to an outside file with file tools',
    {
      mayChange: ['home/project/hard'],
      prepare: ({ root, outside }) => linkSync(join(outside, 'letter.txt'), join(root, 'hard')),
    },
    async ({ tool, root }) => {
      // A file is replaced, never written into: the name inside becomes a file of its own.
      expect((await tool('write_file', { path: 'hard', content: 'ours\n' })).isError).toBeUndefined();
      expect(readFileSync(join(root, 'hard'), 'utf8')).toBe('ours\n');
    },
  );

  attack('6 by making a hard link to an outside file', { commands }, (scene) =>
    refusesAll(scene, [
      `ln ${scene.outside}/letter.txt hard`,
      `ln ${scene.state}/secrets.json hard`,
      `python3 -c "import os; os.link('${scene.outside}/letter.txt', 'hard')"`,
    ]),
  );

  attack('7 into a folder whose name begins like the workspace’s', { commands }, async (scene) => {
    await refusesTools(scene, ['../project-evil/file.txt', `${scene.root}-evil/file.txt`]);
    await refusesAll(scene, ['echo evil > ../project-evil/file.txt', `echo evil > ${scene.root}-evil/new`]);
  });

  attack('10 by the other names of the root and of what is open', { commands }, async (scene) => {
    const { root, outside } = scene;
    await refusesTools(scene, [
      `/proc/self/root${outside}/letter.txt`,
      `/proc/self/cwd/../elsewhere/letter.txt`,
      '/dev/fd/0',
      '/proc/self/fd/0',
      `/proc/${process.pid}/root${outside}/letter.txt`,
    ]);
    await refusesAll(scene, [
      `echo evil > /proc/self/root${outside}/letter.txt`,
      `echo evil > /proc/1/root${outside}/letter.txt`,
      `cd /proc/1/cwd && echo evil > ..${outside.slice(outside.lastIndexOf('/'))}/letter.txt`,
      `exec 7< ${outside} && echo evil > /proc/self/fd/7/letter.txt`,
      `echo evil > ${root}/../elsewhere/letter.txt`,
    ]);
  });

  attack('11 by names that no file can have', {}, async (scene) => {
    await refusesTools(scene, [
      'a\0b',
      '../elsewhere/letter.txt\0.md',
      'x'.repeat(5_000),
      `${'d/'.repeat(2_500)}x`,
    ]);
    const { text } = await scene.tool('apply_patch', {
      input: '*** Begin Patch\n*** Add File: a\n../../x\n+evil\n*** End Patch',
    });
    expect(text).not.toContain('Success');
  });

  attack(
    '12 through things that are no files: a FIFO, a device, a file of a terabyte',
    {
      prepare: ({ root }) => {
        execFileSync('mkfifo', [join(root, 'fifo')]);
        symlinkSync('/dev/zero', join(root, 'zero'));
        writeFileSync(join(root, 'sparse'), '');
        truncateSync(join(root, 'sparse'), 1024 ** 4);
      },
      // Reading a terabyte to compare it is what the attack would want.
      mayChange: ['home/project/sparse'],
    },
    async ({ tool, root }) => {
      for (const path of ['fifo', 'zero', 'sparse']) {
        for (const name of ['read_file', 'view_image']) {
          expect((await tool(name, { path })).isError, `${name} ${path}`).toBe(true);
        }
      }
      truncateSync(join(root, 'sparse'), 0);
    },
  );

  attack('13 into another run’s temporary files', { commands }, async (scene) => {
    const other = join(scene.dir, 'temporary', 'run-2');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'notes'), SECRET);
    const { output } = await scene.shell(
      `cat ${other}/notes; ls ${scene.dir}/temporary; cat ${scene.dir}/temporary/*/notes`,
    );
    expect(output).not.toContain(SECRET);
    expect(output).not.toMatch(/^run-2$/m);
    await scene.shell(`echo evil > ${other}/notes; rm -rf ${other}`);
    expect(readFileSync(join(other, 'notes'), 'utf8')).toBe(SECRET);
  });

  attack(
    '14 by a patch that moves to, or adds through, a link',
    { prepare: ({ root, outside }) => symlinkSync(outside, join(root, 'out')) },
    async ({ tool }) => {
      for (const body of [
        '*** Update File: README.md\n*** Move to: out/README.md\n@@\n-# project\n+# evil',
        '*** Update File: README.md\n*** Move to: ../elsewhere/README.md\n@@\n-# project\n+# evil',
        '*** Add File: out/new.txt\n+evil',
        '*** Update File: out/letter.txt\n@@\n-a letter\n+evil',
        '*** Delete File: out/letter.txt',
      ]) {
        const answer = await tool('apply_patch', { input: `*** Begin Patch\n${body}\n*** End Patch` });
        expect(answer.isError, body).toBe(true);
      }
    },
  );

  attack(
    '15 by an image that is a link, a bomb, or a program',
    {
      prepare: ({ root, home }) => {
        symlinkSync(join(home, '.ssh/id_ed25519'), join(root, 'link.png'));
        writeFileSync(join(root, 'bomb.png'), pngHeader(50_000, 50_000));
        writeFileSync(
          join(root, 'page.svg'),
          '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        );
      },
    },
    async ({ tool }) => {
      for (const path of ['link.png', 'bomb.png', 'page.svg']) {
        expect((await tool('view_image', { path })).isError, path).toBe(true);
      }
    },
  );

  attack(
    '16 by a folder to work in that leads elsewhere',
    { commands, prepare: ({ root, outside }) => symlinkSync(outside, join(root, 'out')) },
    async ({ shell, home, outside }) => {
      for (const workdir of ['..', outside, home, '/', 'out', '../elsewhere', `${outside}/../elsewhere`]) {
        const { isError } = await shell('echo evil > letter.txt', { more: { workdir } });
        expect(isError, workdir).toBe(true);
      }
    },
  );

  for (const path of ['.', 'z', 'z/credentials'])
    attack(
      `own: by swapping a folder for a link while a search looks at ${path}`,
      {
        mayChange: ['home/project/z', 'home/project/z-', 'home/project/away'],
        timeout: 120_000,
        prepare: ({ root, home }) => {
          mkdirSync(join(root, 'z'));
          writeFileSync(join(root, 'z', 'credentials'), 'inside\n');
          symlinkSync(join(home, '.aws'), join(root, 'away'));
          writeFileSync(join(home, '.aws', 'canary-name'), SECRET);
          // Between the look at the names of a folder and the way into its last there are all the others.
          for (let n = 0; n < 40; n += 1) writeFileSync(join(root, `a${n}`), 'inside\n');
        },
      },
      async ({ root, tool }) => {
        const swapper = swapForEver(join(root, 'z'), join(root, 'away'));
        const said = new Set<string>();
        for (let n = 0; n < 40; n += 1) {
          // All of a file, and as much as is told by a text being there or not.
          for (const [name, args] of [
            ['grep', { pattern: '.', path, context: 1 }],
            ['grep', { pattern: '^canary', path }],
            ['file_search', { pattern: '*', path }],
          ] as const)
            for (const line of (await tool(name, args)).text.split('\n')) said.add(line);
        }
        swapper.kill('SIGKILL');
        expect([...said].filter((line) => line.includes('canary') && !line.startsWith('[nothing'))).toEqual(
          [],
        );
        expect(
          [...said].filter((line) => line.endsWith(':inside') || line.endsWith('z/credentials')).length,
        ).toBeGreaterThan(0);
      },
    );

  attack('19 by taking away or closing what lies around the workspace', { commands }, (scene) =>
    refusesAll(scene, [
      `rm -r ${scene.outside}`,
      `cd / && mv ${scene.root} ${scene.root}-moved`,
      `cd / && rmdir ${scene.root}`,
      `chmod 000 ${scene.home}`,
      `mv ${scene.home} ${scene.home}-moved`,
    ]),
  );
});

/** Exchanges two names as fast as it can, in a process of its own. */
function swapForEver(a: string, b: string): ChildProcess {
  const program = `const fs = require('node:fs'); const [a, b] = ${JSON.stringify([a, b])};
    for (;;) { try { fs.renameSync(a, a + '-'); fs.renameSync(b, a); fs.renameSync(a, b); fs.renameSync(a + '-', a); } catch {} }`;
  const swapper = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  onTestFinished(() => void swapper.kill('SIGKILL'));
  return swapper;
}

function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(33);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(header);
  header.writeUInt32BE(width, 16);
  header.writeUInt32BE(height, 20);
  header.set([8, 6, 0, 0, 0], 24);
  return header;
}
