import { z } from 'zod';

/**
 * What one look at this machine found. `fault`: something does not work and needs a hand; `warning`: it works, and may
 * not tomorrow; `hint`: good to know. `code` is stable; `fix` names the repair that `doctor --fix` can do by itself.
 */
export const finding = z.object({
  code: z.string(),
  title: z.string(),
  severity: z.enum(['ok', 'hint', 'warning', 'fault']),
  says: z.string(),
  todo: z.string().optional(),
  fix: z.string().optional(),
});
export type Finding = z.infer<typeof finding>;
