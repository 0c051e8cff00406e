import { connectControl } from '../../control/client.ts';
import type { Findings } from '../../control/contract.ts';
import { examineService, type ServiceWorld } from '../../doctor/service.ts';
import { isRunmeshError, messageOf } from '../../kit/errors.ts';
import type { Finding } from '../../kit/finding.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { cleanLine } from '../render/clean.ts';
import { daemonVitals, definitionOf, serviceOf } from '../service-world.ts';

/** Looks at everything a daemon needs; exit 1 where something needs a hand. With `fix`, does what is safe first. */
export async function doctorCommand(
  context: CliContext,
  output: Output,
  { fix }: { fix?: boolean },
): Promise<number> {
  let seen = await examine(context);
  const fixes = new Set(seen.findings.flatMap((one) => one.fix ?? []));
  if (fix && fixes.size > 0) {
    for (const name of fixes) await tryRepair(context, output, name);
    seen = await examine(context);
  }
  const { findings, from } = seen;
  output.say(`Seen ${FROM[from]}:`);
  for (const one of findings) {
    output.tell({ type: 'finding', ...one });
    for (const line of linesOf(one, output)) output.say(line);
  }
  const count = (severity: Finding['severity']) => findings.filter((one) => one.severity === severity).length;
  const [faults, warnings] = [count('fault'), count('warning')];
  output.tell({ type: 'doctor', from, faults, warnings, hints: count('hint') });
  output.say(summary(faults, warnings, !fix && fixes.size > 0));
  return faults > 0 ? 1 : 0;
}

type From = 'service' | 'daemon' | 'shell';

async function examine(context: CliContext): Promise<{ findings: Finding[]; from: From }> {
  const { inside, from } = await fromInside(context);
  return { findings: [...(await fromOutside(context)), ...inside], from };
}

/** What the daemon sees; where none answers, what this process sees, which may differ. */
async function fromInside(context: CliContext): Promise<{ inside: Finding[]; from: From }> {
  try {
    const daemon = connectControl(pathsOf(context).socket);
    await daemon.vitals();
    const { asService, findings }: Findings = await daemon.doctor();
    return { inside: findings, from: asService ? 'service' : 'daemon' };
  } catch (error) {
    if (!isRunmeshError(error)) throw error;
    const { examineWithoutDaemon } = await import('../../daemon/examine.ts');
    return { inside: await examineWithoutDaemon(context), from: 'shell' };
  }
}

async function fromOutside(context: CliContext): Promise<Finding[]> {
  const node: Finding = {
    code: 'node',
    title: 'Node',
    severity: 'ok',
    says: `${process.version} at ${context.nodeFile}.`,
  };
  try {
    return [node, ...(await examineService(await serviceWorld(context)))];
  } catch (error) {
    if (!isRunmeshError(error)) throw error;
    // A config that cannot be read is told from inside; a machine without a service manager is not ill.
    const severity = error.code === 'config_invalid' ? 'fault' : 'hint';
    return [node, { code: error.code, title: 'Service', severity, says: error.message }];
  }
}

async function serviceWorld(context: CliContext): Promise<ServiceWorld> {
  const status = await daemonVitals(context);
  return {
    service: serviceOf(context),
    definition: await definitionOf(context),
    paths: pathsOf(context),
    version: context.version,
    daemon: status && {
      pid: status.pid,
      version: status.version,
      registered: status.connection.sessionId !== null,
      doing: status.connection.doing,
    },
  };
}

async function tryRepair(context: CliContext, output: Output, name: string): Promise<void> {
  const { repair } = await import('../../doctor/repair.ts');
  try {
    const did = await repair(await serviceWorld(context), name);
    if (did === undefined) return;
    if (name === 'reinstall') await waitForIt(context);
    output.tell({ type: 'fixed', fix: name, says: did });
    output.say(`${output.paint('green', 'fixed')}    ${did}`);
  } catch (error) {
    output.tell({ type: 'not_fixed', fix: name, says: messageOf(error) });
    output.say(`${output.paint('red', 'not fixed')} ${messageOf(error)}`);
  }
}

async function waitForIt(context: CliContext): Promise<void> {
  const { waitUntilRegistered } = await import('../registered.ts');
  await waitUntilRegistered(context, REGISTER_MS);
}

function linesOf({ severity, title, says, todo }: Finding, { paint }: Output): string[] {
  const mark = paint(COLOURS[severity], severity.padEnd(8));
  const line = `${mark} ${title.padEnd(16)} ${cleanLine(says)}`;
  return todo === undefined || severity === 'ok' ? [line] : [line, `${' '.repeat(26)}→ ${cleanLine(todo)}`];
}

function summary(faults: number, warnings: number, fixable: boolean): string {
  if (faults === 0 && warnings === 0) return 'Nothing needs a hand.';
  const counted = [
    ...(faults > 0 ? [`${faults} ${faults === 1 ? 'thing needs' : 'things need'} a hand`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  return `${counted.join(', ')}.${fixable ? ' Some of it can be mended by itself: runmesh doctor --fix' : ''}`;
}

const FROM: Record<From, string> = {
  service: 'from inside the service',
  daemon: 'from inside the daemon, which runs by hand: a service may be allowed less',
  shell: 'from this shell, since no daemon answers: a service may be allowed less',
};
const COLOURS = { ok: 'green', hint: 'dim', warning: 'yellow', fault: 'red' } as const;
const REGISTER_MS = 60_000;
