import type { CheckSession, OpenDocument } from './check-session.ts';
import { quote } from './diagnostic.ts';
import { appendPointer, isRecord } from './json-pointer.ts';

const textualVariable = /\$\{([^{}]*)\}?/;

/**
 * Finds `${...}` in the strings of a document. Nothing expands it: text that is put into text before it is parsed
 * breaks quotes and positions, and would put secrets where nobody expects them.
 */
export function checkTexts(session: CheckSession, document: OpenDocument, value: unknown, pointer = ''): void {
  if (session.isFull) return;
  if (typeof value === 'string') {
    reportVariable(session, document, value, pointer);
    return;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkTexts(session, document, item, appendPointer(pointer, index));
    return;
  }
  if (!isRecord(value)) return;
  for (const [key, item] of Object.entries(value)) checkTexts(session, document, item, appendPointer(pointer, key));
}

function reportVariable(session: CheckSession, document: OpenDocument, text: string, pointer: string): void {
  const start = text.indexOf('${');
  if (start === -1) return;
  const name =
    /^[A-Za-z_][A-Za-z0-9_]*/.exec(textualVariable.exec(text.slice(start, start + 256))?.[1] ?? '')?.[0] ?? 'NAME';
  session.report(
    document,
    'env.textual',
    pointer,
    `${quote(`\${${name}}`)} is not expanded; in a field for a secret write { "$env": ${JSON.stringify(name)} }`,
    {
      suggestion: `{ "$env": ${JSON.stringify(name)} }`,
      position: document.locator.insideString(pointer, start),
    },
  );
}
