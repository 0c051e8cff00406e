import { z } from 'zod';

/** What a run's commands and file tools may change. The names are those people know from other agents. */
export const sandboxMode = z.enum(['read-only', 'workspace-write', 'danger-full-access']);
export type SandboxMode = z.infer<typeof sandboxMode>;

/** `example.com`, or `*.example.com` for what lies below it; never a bare top-level domain, an address or a port. */
const domain = z
  .string()
  .regex(
    /^(?=.{4,253}$)(\*\.([a-z0-9-]+\.)+|([a-z0-9-]+\.)+)[a-z][a-z0-9-]*[a-z0-9]$/,
    'a domain in lower case, as example.com or *.example.com',
  )
  .refine((value) => !/^\*\.[^.]+$/.test(value), 'a wildcard needs a domain of its own below the top level');

export const sandboxNetwork = z.union([z.enum(['off', 'on']), z.array(domain).min(1).max(200)]);
export type SandboxNetwork = z.infer<typeof sandboxNetwork>;

/**
 * `metadata.sandbox` of a run: what its caller asks for. It can only narrow what the device's owner has set, so a run that
 * asks for more than the device gives gets what the device gives.
 */
export const sandboxRequest = z.strictObject({
  mode: sandboxMode.optional(),
  network: sandboxNetwork.optional(),
});
export type SandboxRequest = z.infer<typeof sandboxRequest>;
