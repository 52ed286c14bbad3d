/** A pattern that can't be used. The message names the pattern, what is wrong and where; no text is quoted in it. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  readonly pattern: string;
  /** Place in the expression, in UTF-16 code units, where one can be named. */
  readonly offset: number | undefined;

  constructor(pattern: string, problem: string, offset?: number) {
    super(`pattern "${pattern}": ${problem}${offset === undefined ? '' : ` (at offset ${offset})`}`);
    this.pattern = pattern;
    this.offset = offset;
  }
}
