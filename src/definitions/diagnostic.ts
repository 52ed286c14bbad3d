/** Diagnostics of one check at most; what is beyond is counted in the last one. */
export const maxDiagnostics = 100;

export type Severity = 'error' | 'warning';

/**
 * A finding about a definition: the same in the log, the command line, the admin API and the editor. `code` is stable
 * (scripts and tests key on it), the message is for people and may change. No message holds the value of a secret.
 */
export interface Diagnostic {
  /** Dotted, such as `schema.unknownKey` or `ref.unknown`. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** Path of the file as it was given to the check. */
  readonly file: string;
  /** JSON pointer (RFC 6901) of what is wrong; empty for the whole document. */
  readonly pointer: string;
  /** 1-based; columns count UTF-16 code units, as editors do. */
  readonly line: number;
  readonly column: number;
  /** What to write instead, where that is known. */
  readonly suggestion?: string;
}

/** `file:line:column  error  code  message`, one line whatever the message holds. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, code, message } = diagnostic;
  return `${file}:${line}:${column}  ${severity}  ${code}  ${message}`.replace(
    /[\u0000-\u001f\u007f\u2028\u2029]+/g,
    ' ',
  );
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}

/**
 * In the order of the text, the checked file before its resources, each finding once, at most `maxDiagnostics`. Where
 * that is not enough, warnings go first.
 */
export function arrangeDiagnostics(diagnostics: readonly Diagnostic[], firstFile: string): Diagnostic[] {
  const unique = [...new Map(diagnostics.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic])).values()];
  const rank = (file: string): number => (file === firstFile ? 0 : 1);
  const inOrder = (one: Diagnostic, other: Diagnostic): number =>
    rank(one.file) - rank(other.file) ||
    compareText(one.file, other.file) ||
    one.line - other.line ||
    one.column - other.column;
  if (unique.length <= maxDiagnostics) return unique.sort(inOrder);
  const important = unique.toSorted((one, other) => weight(one) - weight(other) || inOrder(one, other));
  const kept = important.slice(0, maxDiagnostics - 1).sort(inOrder);
  const last = important[maxDiagnostics - 1] ?? kept[0];
  if (last !== undefined)
    kept.push({
      ...last,
      code: 'diagnostics.more',
      message: `${unique.length - kept.length} more findings are not shown`,
    });
  return kept;
}

function weight(diagnostic: Diagnostic): number {
  return diagnostic.severity === 'error' ? 0 : 1;
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

const maxQuotedCharacters = 60;
/** Longer text is judged by its beginning. */
const maxJudgedCharacters = 256;
/** Beginnings of well-known credentials. */
const knownPrefix =
  /^(?:(?:sk|pk|rk|gsk|xai|xox[a-z]|gh[a-z]|glpat|hf)[-_][A-Za-z0-9_-]{16}|(?:AKIA|AIza|eyJ)[A-Za-z0-9_-]{8}|(?:Bearer|Basic) )/;
/** A long run of letters and digits without a break. */
const longRun = /[A-Za-z0-9+/]{24,}/;

/** True for text that a person would take for a key or a token. */
export function isCredentialLike(value: string): boolean {
  const judged = value.slice(0, maxJudgedCharacters);
  if (knownPrefix.test(judged)) return true;
  const run = longRun.exec(judged)?.[0] ?? '';
  return /\d/.test(run) && /[A-Za-z]/.test(run);
}

/** A value of the document in a message: short, in quotes, and never what looks like a key that somebody pasted. */
export function quote(value: string): string {
  if (isCredentialLike(value)) return `"${value.slice(0, 3)}..."`;
  return JSON.stringify(value.length > maxQuotedCharacters ? `${value.slice(0, maxQuotedCharacters)}...` : value);
}
