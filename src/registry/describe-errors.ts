import { errorTable, type ErrorEntry } from '../kernel/error-table.ts';
import { table } from './markdown.ts';

/** `docs/errors.md`: every code that a client can see, by the alphabet. */
export function describeErrors(): string {
  const entries: [string, ErrorEntry][] = Object.entries(errorTable);
  const rows = entries
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([code, { status, kind, retryable, message, remedy }]) => [
      `\`${code}\``,
      status === 499 ? '499 (never sent)' : String(status),
      kind,
      retryable ? 'yes' : 'no',
      message,
      remedy,
    ]);
  return [
    '# Errors',
    '',
    '<!-- Made from src/kernel/error-table.ts by `npm run generate`. -->',
    '',
    'Every failure has one code. It never changes its meaning, so clients and alerts may rely on it. While the head of',
    "the answer is not yet sent, a failure has the HTTP status of this table and the error body of the client's dialect;",
    'afterwards it is the error frame of the dialect, and the stream has no success terminator.',
    '"Retry" says whether the same request may succeed later without a change.',
    '',
    ...table(['Code', 'Status', 'Kind', 'Retry', 'Message', 'What to do'], rows),
    '',
  ].join('\n');
}
