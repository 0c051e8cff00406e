/** Where a device keeps its secrets, after "in". A store of a newer daemon is shown by its name. */
export function describeStore(kind: string): string {
  return STORES[kind] ?? kind;
}

const STORES: Readonly<Record<string, string>> = {
  keychain: 'the login keychain',
  'secret-service': 'the Secret Service',
  file: 'a file that only you can read',
};
