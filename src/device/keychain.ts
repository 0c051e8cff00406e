/** The calls of the `keytar` package that are used here. */
export interface Keychain {
  getPassword(service: string, account: string): Promise<string | null>;
  setPassword(service: string, account: string, password: string): Promise<void>;
  deletePassword(service: string, account: string): Promise<boolean>;
}

/**
 * The `keytar` package, loaded when it is needed: on Linux it throws at load where libsecret is absent. A call that
 * waits longer than `ANSWER_MS` (a prompt nobody sees) counts as no answer.
 */
export async function loadKeychain(): Promise<Keychain> {
  const loaded = await import('keytar');
  // A CommonJS package: some loaders put its functions on the namespace, all put them on `default`.
  const { default: keytar } = loaded as unknown as { default: Keychain };
  return {
    getPassword: (service, account) => inTime(keytar.getPassword(service, account)),
    setPassword: (service, account, password) => inTime(keytar.setPassword(service, account, password)),
    deletePassword: (service, account) => inTime(keytar.deletePassword(service, account)),
  };
}

function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Long enough for a person to answer a Keychain prompt. */
const ANSWER_MS = 30_000;
