import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';

/** Why a mesh cannot listen, and what to do instead. */
export function listenFailure(error: unknown, { host, port }: { host: string; port: number }): RunmeshError {
  const explained: Record<string, readonly [code: string, words: string]> = {
    EADDRINUSE: [
      'port_in_use',
      `Port ${port} on ${host} is in use by another program, perhaps a mesh that runs already (lsof -i :${port} names it). Give another one, such as --port ${port < 65_535 ? port + 1 : port - 1}, or --port 0 for any that is free.`,
    ],
    EACCES: ['port_forbidden', `Port ${port} is not for your user to open. Give one above 1023 with --port.`],
    EADDRNOTAVAIL: ['host_not_here', `${host} is no address of this machine. Give one that is with --host.`],
    ENOTFOUND: [
      'host_not_here',
      `The name ${host} is not known here. Give an address of this machine with --host.`,
    ],
  };
  const [code, words] = explained[codeOf(error)] ?? [
    'not_listening',
    `The mesh cannot listen on ${host}:${port}: ${messageOf(error)}.`,
  ];
  return new RunmeshError(code, words, { cause: error });
}
