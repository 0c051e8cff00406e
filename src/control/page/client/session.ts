/**
 * The session of this tab, and how it comes by one: the address's token, which is taken out of the address and of this tab's
 * history before anything else is done. The token is spent by then or a moment later, wherever else a browser noted it.
 */
export async function openSession(): Promise<string | undefined> {
  const token = tokenIn(location.hash);
  if (token === undefined) return sessionStorage.getItem(NAME) ?? undefined;
  history.replaceState(null, '', '/');
  const response = await fetch('/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (!response.ok) return undefined;
  const { session } = (await response.json()) as { session: string };
  sessionStorage.setItem(NAME, session);
  return session;
}

/** The token of an address that opens the page, from what stands behind its `#`. */
export function tokenIn(hash: string): string | undefined {
  return /^#([\w-]{43})$/.exec(hash)?.[1];
}

export function forgetSession(): void {
  sessionStorage.removeItem(NAME);
}

/** This tab's own storage, and this port's: other pages of this machine have theirs. */
const NAME = 'session';
