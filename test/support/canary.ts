/** What stands before a secret shifts its base64; all three shifts are tried, less the characters that a neighbour changes. */
const base64Shifts = [0, 1, 2] as const;
/** Shorter forms are found by chance. */
const SHORTEST_FORM = 6;

/**
 * Secrets of letters alone, as some people choose them: in their form they can't be told from codes of errors, such as
 * `invalid_client` and `AccessDenied`. Each is found nowhere else.
 */
export const canariesOfLetters = [
  'qumbel_zarvo_thinepox_wadril',
  'vexrothjulipandesbrumqwo',
  'BrazelQuontFivrumException',
  'ZULMIC_OPRAHEN_VOD',
  'drizp.hobnal-wequm',
] as const;

/** Ways in which a secret can leak: as it is, percent-encoded, in hex, escaped in JSON, in base64 also as a part of more. */
export function formsOf(secret: string): ReadonlyMap<string, string> {
  const bytes = Buffer.from(secret);
  const forms: (readonly [string, string])[] = [
    ['raw', secret],
    ['JSON', JSON.stringify(secret).slice(1, -1)],
    ['URL', encodeURIComponent(secret)],
    ['form', new URLSearchParams([['', secret]]).toString().slice(1)],
    ['hex', bytes.toString('hex')],
    ...base64Shifts.flatMap((shift) => [
      [`base64, shift ${shift}`, shiftedBase64(bytes, shift, 'base64')] as const,
      [`base64url, shift ${shift}`, shiftedBase64(bytes, shift, 'base64url')] as const,
    ]),
  ];
  return new Map(forms.filter(([, form]) => form.length >= Math.min(SHORTEST_FORM, secret.length)));
}

/** The names of the forms in which `secret` stands in `text`; letters in hex and in percent codes may be of either case. */
export function leaksOf(secret: string, text: string): readonly string[] {
  const lower = text.toLowerCase();
  const hit = ([name, form]: readonly [string, string]): boolean =>
    name.startsWith('base64') ? text.includes(form) : lower.includes(form.toLowerCase());
  return [...formsOf(secret)].filter(hit).map(([name]) => name);
}

function shiftedBase64(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  const firstPure = Math.ceil((shift * 8) / 6);
  const lastPure = Math.floor(((shift + bytes.length) * 8) / 6);
  return text.slice(firstPure, lastPure);
}
