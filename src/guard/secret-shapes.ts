/** Units of one kind, as a table over ASCII: 1 where the unit belongs. */
export type Units = Uint8Array;

/** A stretch of units of one kind. The last of a shape goes on for as long as its kind does. */
export interface Stretch {
  of: Units;
  least: number;
  most?: number;
}

/** A secret that is known by how it begins: one of `literals`, then the stretches. */
export interface SecretShape {
  literals: readonly string[];
  stretches: readonly [Stretch, ...Stretch[]];
  /** What stands before the last stretch is no secret (the name of a setting) and stays. */
  keepsHead?: true;
}

/**
 * Keys of the known shapes, each by the prefix its issuer gives it. Written from the issuers' documents and the lengths
 * that gitleaks' rules name; the least length is set below theirs, so that a key cut at its end is still masked.
 */
export function secretShapes(): SecretShape[] {
  const letters = units('A-Z', 'a-z', '0-9');
  const word = units('A-Z', 'a-z', '0-9', '_');
  const token = units('A-Z', 'a-z', '0-9', '_', '-');
  const upper = units('A-Z', '0-9');
  const base64 = units('A-Z', 'a-z', '0-9', '+', '/');
  const bearer = units('A-Z', 'a-z', '0-9', '_', '-', '.', '~', '+', '/', '=');
  const after = (of: Units, least: number, ...literals: string[]): SecretShape => ({
    literals,
    stretches: [{ of, least }],
  });
  return [
    after(token, 24, 'sk-ant-', 'sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-or-v1-', 'sk-lf-'),
    // OpenAI's older keys, DeepSeek's and other compatible services'.
    after(letters, 32, 'sk-'),
    after(letters, 30, 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'),
    after(word, 40, 'github_pat_'),
    after(token, 20, 'glpat-', 'gldt-', 'glrt-', 'glcbt-'),
    after(upper, 16, 'AKIA', 'ASIA', 'ABIA', 'ACCA'),
    after(token, 35, 'AIza'),
    after(token, 24, 'GOCSPX-', 'ya29.'),
    after(token, 20, 'xoxb-', 'xoxa-', 'xoxp-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxe.xoxp-', 'xapp-'),
    after(base64, 30, 'hooks.slack.com/services/'),
    after(letters, 20, 'sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'whsec_'),
    after(letters, 24, 'rt_live_', 'rt_test_'),
    after(letters, 30, 'npm_', 'hf_', 'gsk_', 'r8_', 'dop_v1_', 'lin_api_', 'pul-', 'shpat_', 'tvly-'),
    after(token, 60, 'pypi-AgEI', 'SG.'),
    after(token, 40, 'glsa_', 'dckr_pat_', 'sntrys_', 'vercel_', 'ATATT3', 'nvapi-', 'pplx-', 'xai-'),
    after(upper, 50, 'AGE-SECRET-KEY-1'),
    {
      literals: ['aws_secret_access_key', 'AWS_SECRET_ACCESS_KEY', 'SecretAccessKey', 'secretAccessKey'],
      stretches: [
        { of: units(' ', '\t', '"', "'", '=', ':', '\\', '>'), least: 1, most: 8 },
        { of: base64, least: 40 },
      ],
      keepsHead: true,
    },
    { literals: ['Bearer ', 'bearer '], stretches: [{ of: bearer, least: 20 }], keepsHead: true },
    // JSON Web Tokens: a header in base64, a dot, and more of the same.
    {
      literals: ['eyJ'],
      stretches: [
        { of: token, least: 10, most: 4_096 },
        { of: units('.'), least: 1, most: 1 },
        { of: units('A-Z', 'a-z', '0-9', '_', '-', '.'), least: 10 },
      ],
    },
  ];
}

/** How a private key in PEM begins; what is between this and its end is the secret. */
export const PEM_BEGINNINGS: readonly string[] = [
  'PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
  'DSA PRIVATE KEY',
  'OPENSSH PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'ANY PRIVATE KEY',
  'PGP PRIVATE KEY BLOCK',
].map((label) => `-----BEGIN ${label}-----`);

/** How it ends, whatever its label. */
export const PEM_ENDS: readonly string[] = ['PRIVATE KEY-----', 'PRIVATE KEY BLOCK-----'];

export const BASE64_UNITS: Units = units('A-Z', 'a-z', '0-9', '+', '/', '=');

/** Single units and ranges such as `A-Z`. */
function units(...kinds: string[]): Units {
  const table = new Uint8Array(128);
  for (const kind of kinds) {
    const last = kind.length === 3 ? kind.charCodeAt(2) : kind.charCodeAt(0);
    for (let code = kind.charCodeAt(0); code <= last; code += 1) table[code] = 1;
  }
  return table;
}
