import { toLatin1 } from './json/json-text.ts';

const lineEnd = /\r\n|\r|\n/;
const unsafeField = /[\r\n\0]/;

/** True for an `event` or `id` value that can't end its line and that no client drops. */
export function isSafeField(value: string): boolean {
  return !unsafeField.test(value);
}

/**
 * One server-sent event, as latin1 of its UTF-8 bytes, with its blank line. Data of several lines becomes several
 * `data:` lines, so no text can begin a field or an event of its own. Throws a TypeError for an event name or an id with
 * a line end or NUL: those must never come from outside unchecked.
 *
 * `sseFrame('{"a":1}', 'ping', '7')` is `id: 7`, `event: ping`, `data: {"a":1}` and an empty line.
 */
export function sseFrame(data: string, event = '', id = ''): string {
  if (unsafeField.test(event) || unsafeField.test(id))
    throw new TypeError('an SSE event name or id may not hold a line end or NUL');
  const head = (id === '' ? '' : `id: ${id}\n`) + (event === '' ? '' : `event: ${event}\n`);
  const body = lineEnd.test(data) ? data.split(lineEnd).join('\ndata: ') : data;
  return toLatin1(`${head}data: ${body}\n\n`);
}
