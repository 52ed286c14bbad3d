import { readerStates as states, type JsonPrefixReader } from './json-prefix-reader.ts';

/**
 * Longest part that can be left out of a document that breaks off, such as a comma with half a key: in UTF-16 units, and
 * as many are held back. A longer one has left already and is completed with what it needs.
 */
export const maxDanglingPart = 512;

/** Where the part begins that is left out if the text ends now, as units from the start; the end where nothing is. */
export function keptEnd({ danglingFrom, offset }: JsonPrefixReader): number {
  return danglingFrom >= 0 && offset - danglingFrom <= maxDanglingPart ? danglingFrom : offset;
}

/** The fewest characters with which a document that broke off is one again, once its dangling part is left out. */
export function closingTail(reader: JsonPrefixReader): string {
  const end = keptEnd(reader) < reader.offset ? endOfKept(reader) : endOfWhole(reader);
  return end + closeBrackets(reader.open);
}

function endOfKept({ state, inKey }: JsonPrefixReader): string {
  return (state === states.escape || state === states.hex) && !inKey ? '"' : '';
}

function endOfWhole(reader: JsonPrefixReader): string {
  const { state, inKey, literal, literalRead, hexRead, open } = reader;
  const close = inKey ? '":null' : '"';
  switch (state) {
    case states.string:
      return close;
    case states.escape:
      return `\\${close}`;
    case states.hex:
      return '0'.repeat(4 - hexRead) + close;
    case states.literal:
      return literal.slice(literalRead);
    case states.key:
      return '"":null';
    case states.colon:
      return ':null';
    case states.value:
      return open.length > 0 ? 'null' : '';
    case states.minus:
    case states.dot:
    case states.exponent:
    case states.sign:
      return '0';
    default:
      return '';
  }
}

function closeBrackets(open: readonly boolean[]): string {
  return open
    .map((isObject) => (isObject ? '}' : ']'))
    .reverse()
    .join('');
}
