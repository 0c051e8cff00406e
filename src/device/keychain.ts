/** The calls of the `keytar` package that are used here. */
export interface Keychain {
  getPassword(service: string, account: string): Promise<string | null>;
  setPassword(service: string, account: string, password: string): Promise<void>;
  deletePassword(service: string, account: string): Promise<boolean>;
}

/**
 * The `keytar` package, loaded when it is needed: on Linux it throws at load where libsecret is absent. A call that
 * waits longer than `ANSWER_MS` (a prompt nobody sees) throws `KeychainSilent`; the same call made again waits for the
 * prompt that is open, and opens no second one.
 */
export async function loadKeychain(): Promise<Keychain> {
  const loaded = await import('keytar');
  // A CommonJS package: some loaders put its functions on the namespace, all put them on `default`.
  const { default: keytar } = loaded as unknown as { default: Keychain };
  return patient(keytar);
}

/** No answer in time. */
export class KeychainSilent extends Error {}

export function patient(keychain: Keychain, answerMs = ANSWER_MS): Keychain {
  const open = new Map<string, Promise<unknown>>();
  const ask = <T>(call: string, work: () => Promise<T>): Promise<T> => {
    const asked = (open.get(call) as Promise<T> | undefined) ?? work();
    open.set(call, asked);
    const answered = () => void open.delete(call);
    asked.then(answered, answered);
    return inTime(asked, answerMs);
  };
  return {
    getPassword: (service, account) => ask(`get ${account}`, () => keychain.getPassword(service, account)),
    setPassword: (service, account, password) =>
      inTime(keychain.setPassword(service, account, password), answerMs),
    deletePassword: (service, account) => inTime(keychain.deletePassword(service, account), answerMs),
  };
}

/**
 * Why a keychain did not do what it was asked. `locked` heals when somebody unlocks it, `denied` when somebody allows
 * this program, `cancelled` (a window was closed, which says nothing of the item) and `silent` when somebody answers the
 * prompt, `absent` not by itself.
 */
export type KeychainTrouble = 'locked' | 'denied' | 'cancelled' | 'silent' | 'absent' | 'unknown';

/**
 * keytar passes on the system's sentence and no number, so this is the one place that reads one: macOS's OSStatus texts
 * (SecBase.h), libsecret's and D-Bus's. A sentence that is not known is `unknown`, which nothing loops on.
 */
export function keychainTrouble(error: unknown): KeychainTrouble {
  if (error instanceof KeychainSilent) return 'silent';
  const text = error instanceof Error ? error.message : '';
  return SENTENCES.find(([, sentence]) => sentence.test(text))?.[0] ?? 'unknown';
}

function inTime<T>(work: Promise<T>, answerMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new KeychainSilent(`no answer in ${answerMs / 1_000} s`)), answerMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Long enough for a person to answer a Keychain prompt. */
const ANSWER_MS = 30_000;

const SENTENCES: readonly [KeychainTrouble, RegExp][] = [
  // errSecInteractionNotAllowed (-25308), errSecInteractionRequired (-25315), errSecInDarkWake (-25320).
  ['locked', /interaction is (not allowed|required)|in dark wake/i],
  // libsecret on a collection that is locked and a prompt that was closed.
  ['locked', /locked collection|prompt was dismissed/i],
  // userCanceledErr, errSecUserCanceled (-128).
  ['cancelled', /user cancell?ed/i],
  // errSecAuthFailed (-25293), errSecInvalidOwnerEdit (-25244), errSecMissingEntitlement (-34018).
  ['denied', /passphrase you entered is not correct|change the owner|required entitlement/i],
  // errSecNoDefaultKeychain (-25307), errSecNotAvailable (-25291), errSecNoSuchKeychain (-25294).
  ['absent', /(default|specified) keychain could not be found|no keychain is available/i],
  [
    'absent',
    /autolaunch D-Bus|address is empty|not provided by any \.service|could not connect|keytar native/i,
  ],
];
