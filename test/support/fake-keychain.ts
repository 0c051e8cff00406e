import type { Keychain } from '../../src/device/keychain.ts';

/** The sentences of macOS (SecCopyErrorMessageString) as keytar hands them on: a message and no number. */
export const MAC_SENTENCES = {
  '-25308': 'User interaction is not allowed.',
  '-25320': 'In dark wake, no UI possible.',
  '-25293': 'The user name or passphrase you entered is not correct.',
  '-128': 'User canceled the operation.',
  '-25307': 'A default keychain could not be found.',
  unnamed: 'An unknown error occurred.',
} as const;

/**
 * The login keychain of a Mac: items of a service and an account, each readable by the program that made it alone. It
 * refuses what the real one refuses, with the real one's sentences.
 */
export class FakeKeychain implements Keychain {
  readonly items = new Map<string, { value: string; owner: string }>();
  /** Which program asks: a Node of another signature is another program. */
  program = 'node 20';
  /** The sentence of every answer while it is set. */
  refuses: keyof typeof MAC_SENTENCES | undefined;
  asked = 0;

  async getPassword(service: string, account: string): Promise<string | null> {
    this.#ask();
    const item = this.items.get(`${service}/${account}`);
    if (item === undefined) return null;
    if (item.owner !== this.program) throw new Error(MAC_SENTENCES['-25293']);
    return item.value;
  }

  async setPassword(service: string, account: string, password: string): Promise<void> {
    this.#ask();
    const item = this.items.get(`${service}/${account}`);
    if (item !== undefined && item.owner !== this.program) throw new Error(MAC_SENTENCES['-25293']);
    this.items.set(`${service}/${account}`, { value: password, owner: this.program });
  }

  /** Needs no leave of the item's owner: an item may be deleted unread. */
  async deletePassword(service: string, account: string): Promise<boolean> {
    this.#ask();
    return this.items.delete(`${service}/${account}`);
  }

  #ask(): void {
    this.asked += 1;
    if (this.refuses !== undefined) throw new Error(MAC_SENTENCES[this.refuses]);
  }
}
