import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { secretServiceLocked } from '../../src/device/secret-service.ts';
import { tempDir } from './temp.ts';

/** Whether this machine can run a Secret Service of its own for a test. */
export const hasSecretService = ['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon'].every(
  (program) => spawnSync('which', [program]).status === 0,
);

/** A session bus and a real GNOME Keyring on it, for one test alone. Its keyring starts unlocked. */
export class SecretService {
  readonly #folder = tempDir();
  #bus: ChildProcess | undefined;
  #keyring: ChildProcess | undefined;
  #address = '';

  static async start(): Promise<SecretService> {
    const service = new SecretService();
    onTestFinished(() => service.#stop());
    const config = join(service.#folder, 'bus.conf');
    writeFileSync(config, busConfig(service.#folder));
    writeFileSync(join(service.#folder, 'prompter.service'), PROMPTER);
    const bus = spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--print-address=1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    service.#bus = bus;
    const [line] = await once(bus.stdout as NodeJS.ReadableStream, 'data');
    service.#address = String(line).trim();
    await service.#startKeyring();
    return service;
  }

  /** What a program needs to find it. */
  get env(): Record<string, string> {
    return {
      DBUS_SESSION_BUS_ADDRESS: this.#address,
      XDG_RUNTIME_DIR: this.#folder,
      XDG_DATA_HOME: this.#folder,
    };
  }

  async lock(): Promise<void> {
    this.#send('/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.Lock', [
      'array:objpath:/org/freedesktop/secrets/collection/login',
    ]);
    await this.#until(true);
  }

  /** With its password, as PAM does it at a login: there is no prompt to answer here. */
  async unlock(): Promise<void> {
    const socket = connect(join(this.#folder, 'keyring', 'control'));
    await once(socket, 'connect');
    socket.write(Buffer.concat([Buffer.alloc(1), controlMessage(UNLOCK, PASSWORD)]));
    await once(socket, 'data');
    socket.destroy();
    await this.#until(false);
  }

  /** The keyring's process dies, as at an update of it; nothing answers until `comeBack`. */
  async goAway(): Promise<void> {
    await end(this.#keyring);
    await this.#until(undefined);
  }

  async comeBack(): Promise<void> {
    await this.#startKeyring();
  }

  async #startKeyring(): Promise<void> {
    const keyring = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
      env: { PATH: process.env.PATH, ...this.env },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#keyring = keyring;
    keyring.stdin?.end(PASSWORD);
    await this.#until(false);
  }

  async #until(locked: boolean | undefined): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      if ((await secretServiceLocked({ PATH: process.env.PATH, ...this.env })) === locked) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the keyring's "locked" did not become ${locked}`);
  }

  #send(path: string, method: string, args: string[]): void {
    const head = ['--session', '--print-reply', '--dest=org.freedesktop.secrets', path, method];
    execFileSync('dbus-send', [...head, ...args], {
      env: { PATH: process.env.PATH, ...this.env },
      stdio: 'ignore',
    });
  }

  async #stop(): Promise<void> {
    await end(this.#keyring);
    await end(this.#bus);
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** The keyring's control protocol (gkd-control-codes.h): lengths and codes as big-endian 32-bit numbers. */
function controlMessage(operation: number, argument: string): Buffer {
  const text = Buffer.from(argument);
  const head = Buffer.alloc(12);
  head.writeUInt32BE(head.length + text.length, 0);
  head.writeUInt32BE(operation, 4);
  head.writeUInt32BE(text.length, 8);
  return Buffer.concat([head, text]);
}

/** A bus that starts no second keyring for whoever asks early, and a prompter that is gone at once: nobody is there. */
const busConfig = (
  folder: string,
) => `<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><servicedir>${folder}</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`;

const PROMPTER = '[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\nExec=/bin/false\n';

const UNLOCK = 1;
const PASSWORD = 'password';
