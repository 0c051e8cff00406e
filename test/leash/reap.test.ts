import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listProcesses, readMarked, readProcess, readPs } from '../../src/leash/process-table.ts';
import { reapProcesses } from '../../src/leash/reap.ts';

function start(cmd: string) {
  const child = spawn('/bin/bash', ['-c', cmd], { detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  onTestFinished(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {}
  });
  return {
    pid,
    exited: new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code))),
  };
}

describe('reaping', () => {
  it('ends a process of the journal with its children', async () => {
    const { pid, exited } = start('trap "" TERM HUP; sleep 61 & sleep 62');
    await expect
      .poll(() => [...listProcesses().values()].filter((row) => row.parentPid === pid).length)
      .toBe(2);
    const children = [...listProcesses().values()].filter((row) => row.parentPid === pid);
    const row = readProcess(pid);
    expect(await reapProcesses([{ pid, startTime: row?.startTime ?? '', sid: pid, mark: 'none' }])).toBe(3);
    expect(await exited).toBe('SIGKILL');
    const table = listProcesses();
    expect(children.filter((child) => table.has(child.pid) && !table.get(child.pid)?.zombie)).toEqual([]);
  });

  it('leaves a process alone that got the pid later', async () => {
    const { pid } = start('sleep 63');
    expect(await reapProcesses([{ pid, startTime: '1', sid: pid, mark: 'none' }])).toBe(0);
    expect(readProcess(pid)).toBeDefined();
  });

  it('has nothing to do for a process that is gone', async () => {
    const { pid, exited } = start('true');
    const startTime = readProcess(pid)?.startTime ?? '1';
    await exited;
    expect(await reapProcesses([{ pid, startTime, sid: pid, mark: 'none' }])).toBe(0);
  });
});

describe('the process table of macOS', () => {
  it('is read off ps, names and stamps with spaces included', () => {
    const output = [
      '    1     0     1 Ss   Mon Nov 23 08:00:01 2026    ',
      '  512     1   512 S+   Tue Nov 24 09:15:30 2026    ',
      '  513   512   512 Z    Tue Nov 24 09:15:31 2026    ',
      '',
    ].join('\n');
    expect(readPs(output)).toEqual([
      { pid: 1, parentPid: 0, group: 1, sid: 1, startTime: 'Mon Nov 23 08:00:01 2026', zombie: false },
      { pid: 512, parentPid: 1, group: 512, sid: 512, startTime: 'Tue Nov 24 09:15:30 2026', zombie: false },
      { pid: 513, parentPid: 512, group: 512, sid: 512, startTime: 'Tue Nov 24 09:15:31 2026', zombie: true },
    ]);
  });

  it('finds the marked by their environment, as a whole word', () => {
    const output = [
      '  512 bash -c x PATH=/bin RUNMESH_SESSION=run/1 TERM=dumb',
      '  513 bash -c x PATH=/bin RUNMESH_SESSION=run/12 TERM=dumb',
      '  514 login',
    ].join('\n');
    expect([...readMarked(output, 'RUNMESH_SESSION=run/1')]).toEqual([512]);
  });
});
