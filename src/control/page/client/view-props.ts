import type { Api } from './api.ts';
import type { Pulse } from './use-pulse.ts';

/** What every view is handed. */
export interface ViewProps {
  api: Api;
  pulse: Pulse;
  /** Does something of the owner's and says what came of it; resolves to whether it went well. */
  act(doing: () => Promise<void>, done: string): Promise<boolean>;
}
