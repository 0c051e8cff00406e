/**
 * The forms in which a secret of this device is looked for: as it is, as JSON and a URL write it, and in base64 wherever
 * it may stand in a longer text (base64 has three ways to write the same bytes, by where they begin). Not looked for:
 * other encodings (hexadecimal, compressed, encrypted), a secret written backwards or with something between its letters.
 */
export function secretForms(secret: string): string[] {
  // A shorter word would mask half of what is said.
  if (secret.length < LEAST_SECRET) return [];
  const forms = [secret, JSON.stringify(secret).slice(1, -1), percentEncoded(secret)];
  for (let before = 0; before < 3; before += 1) {
    const form = base64At(secret, before);
    if (form.length >= LEAST_SECRET) forms.push(form, form.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(forms)];
}

/** The letters of base64 that depend on the secret alone when `before` bytes stand before it. */
function base64At(secret: string, before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret, 'utf8')]);
  const first = before === 0 ? 0 : before + 1;
  const whole = Math.floor(bytes.length / 3) * 4;
  return bytes.toString('base64').slice(first, whole);
}

function percentEncoded(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    // Half of a surrogate pair has no such form.
    return secret;
  }
}

const LEAST_SECRET = 8;
