import type { z } from 'zod';
import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';

/** A call that did not reach a mesh, in words that say what to do. `error` is what `fetch` threw, `address` what to check. */
export function meshUnreachable(url: string, error: unknown, address = 'the address'): RunmeshError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = codeOf(cause, '');
  const [why, next] = explain(code, cause, address);
  return new RunmeshError('mesh_unreachable', `The mesh at ${url} cannot be reached: ${why}. ${next}`, {
    cause: error,
    retryable: true,
    // How a connection ends that had been open: the mesh may have heard what was said.
    details: { cut: CUT_CODES.has(code) },
  });
}

/** What a mesh answered, as it must be. Throws `not_a_mesh` naming what is not. */
export function readMeshAnswer<T extends z.ZodType>(schema: T, data: unknown, url: string): z.infer<T> {
  const read = schema.safeParse(data);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const what = issue === undefined ? '' : ` (${[issue.path.join('.'), issue.message].join(': ')})`;
  throw new RunmeshError(
    'not_a_mesh',
    `${url} does not answer like a mesh${what}. Check the address, and whether one of the two is too old.`,
  );
}

function explain(code: string, cause: unknown, address: string): readonly [why: string, next: string] {
  if (code === 'ECONNREFUSED') return ['nothing listens there', `Start the mesh, or check ${address}.`];
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return ['its name is not known here', `Check ${address} and your network.`];
  }
  if (NOT_TLS.test(code)) {
    return ['what answers there does not speak TLS', `Check ${address}: is it http, or another port?`];
  }
  if (CERTIFICATE.test(code)) {
    return [
      `its certificate is not trusted here (${messageOf(cause)})`,
      'Where it has a CA of its own, or a company’s proxy looks into TLS, name that CA: runmesh config set network.caFile /path/ca.pem',
    ];
  }
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return ['it did not answer in time', `Check ${address} and your network.`];
  }
  return [messageOf(cause) || code || 'for no reason it gives', `Check ${address} and your network.`];
}

const CUT_CODES = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT']);
const NOT_TLS = /^(EPROTO|ERR_SSL_)/;
/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE = /CERT|^UNABLE_TO_|^INVALID_(CA|PURPOSE)|^PATH_LENGTH|^HOSTNAME_MISMATCH/;
