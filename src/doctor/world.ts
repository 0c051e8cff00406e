import type { DeviceConfig } from '../device/config-schema.ts';
import type { Keychain } from '../device/keychain.ts';
import type { Network } from '../device/network.ts';
import type { DevicePaths } from '../device/paths.ts';
import type { SecretStoreKind } from '../device/secret-store.ts';
import type { Clock } from '../kit/clock.ts';
import type { Finding } from '../kit/finding.ts';
import type { RunCommand } from '../service/run-command.ts';

/** The process that looks, which is best the daemon itself: what a shell may open, a service may not. */
export interface DoctorWorld {
  paths: DevicePaths;
  config: DeviceConfig;
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  homedir: string;
  /** What macOS's privacy settings call us. */
  nodeFile: string;
  run: RunCommand;
  clock: Clock;
  network: Network;
  secretStore: SecretStoreKind;
  /** Undefined where this device is not linked; null where its secrets cannot be read now, which says nothing of that. */
  apiKey: string | null | undefined;
  loadKeychain(): Promise<Keychain>;
  /** Why commands cannot be confined on this machine, as the one who confines them finds it. */
  whyUnconfined(): string | undefined;
  /** Where those who confine commands find a program, whatever PATH is. */
  systemProgram(name: string): string | undefined;
  /** Why no run can work in the workspace of this name, though it can be read and written. */
  whyNoRunIn(workspace: string): string | undefined;
  /** Looks at the journal by whoever has it open. */
  lookAtJournal(): Promise<Finding>;
}
