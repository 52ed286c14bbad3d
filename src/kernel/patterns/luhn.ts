/**
 * True where the digits of a text have the check digit of payment cards (Luhn). Full-width digits count, everything else
 * is skipped; a text without digits has none.
 */
export function hasLuhnCheck(text: string): boolean {
  let sum = 0;
  let count = 0;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    const digit = digitAt(text, index);
    if (digit < 0) continue;
    const weighted = count % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
    count += 1;
  }
  return count > 0 && sum % 10 === 0;
}

/** The digits of a text as ASCII; full-width ones too. */
export function digitsOf(text: string): string {
  let digits = '';
  for (let index = 0; index < text.length; index += 1) {
    const digit = digitAt(text, index);
    if (digit >= 0) digits += String(digit);
  }
  return digits;
}

/** The value of a digit, or -1. */
function digitAt(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  return unit >= 0xff10 && unit <= 0xff19 ? unit - 0xff10 : -1;
}
