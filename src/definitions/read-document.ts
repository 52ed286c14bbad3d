import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { Diagnostic } from './diagnostic.ts';
import { quote } from './diagnostic.ts';
import { findLimitBreach, type DocumentLimits } from './document-limits.ts';
import { appendPointer } from './json-pointer.ts';
import { createLocator, type Locator, type Position } from './locator.ts';

/** The text of a file, or its bytes where they are not yet known to be UTF-8. */
export interface DocumentSource {
  readonly file: string;
  readonly text: string | Uint8Array;
  /** Set where the file could not be read at all; then the text says nothing. */
  readonly problem?: Diagnostic;
}

export interface ReadDocument {
  /** Absent where the text is over a limit, no UTF-8, or not of the wanted shape; else as much as could be read. */
  readonly value: unknown;
  readonly locator: Locator;
  readonly diagnostics: readonly Diagnostic[];
  /** Offsets of syntax mistakes: what seems to be missing around them may only be unreadable. */
  readonly brokenAt: readonly number[];
}

/** Keys that reach the prototype of an object in careless code; refused at any depth. */
const prototypeKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const limitNames = { maxDepth: 'json.tooDeep', maxItems: 'json.tooMany' } as const;

/**
 * Reads JSON with comments and trailing commas. All mistakes are reported at once; what is readable is returned beside
 * them, so that the shape can be checked too. Size, depth and count are checked on the text, before the tree is built.
 */
export function readDocument(source: DocumentSource, wanted: 'object' | 'array', limits: DocumentLimits): ReadDocument {
  const text = decode(source.text, limits);
  const reader = new DocumentReader(source.file, typeof text === 'string' ? text : '');
  if (typeof text !== 'string') return reader.refuse(text.code, text.message, 0);
  const breach = findLimitBreach(text, limits);
  if (breach !== undefined) {
    const what =
      breach.limit === 'maxDepth'
        ? `nested deeper than ${limits.maxDepth} levels`
        : `more than ${limits.maxItems} keys and items`;
    return reader.refuse(limitNames[breach.limit], what, breach.offset);
  }
  return reader.read(wanted);
}

function decode(text: string | Uint8Array, limits: DocumentLimits): string | { code: string; message: string } {
  const bytes = typeof text === 'string' ? Buffer.byteLength(text) : text.byteLength;
  if (bytes > limits.maxBytes) return { code: 'json.tooLarge', message: `larger than ${limits.maxBytes} bytes` };
  if (typeof text === 'string') return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch {
    return { code: 'json.encoding', message: 'the file is not valid UTF-8' };
  }
}

class DocumentReader {
  readonly #file: string;
  readonly #text: string;
  readonly #diagnostics: Diagnostic[] = [];
  #locator: Locator;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    this.#locator = createLocator(text, undefined);
  }

  refuse(code: string, message: string, offset: number): ReadDocument {
    this.#report(code, message, '', this.#locator.at(offset));
    return { value: undefined, locator: this.#locator, diagnostics: this.#diagnostics, brokenAt: [] };
  }

  read(wanted: 'object' | 'array'): ReadDocument {
    const errors: ParseError[] = [];
    const root = parseTree(this.#text, errors, { allowTrailingComma: true });
    this.#locator = createLocator(this.#text, root);
    for (const error of errors)
      this.#report('json.syntax', describeSyntaxError(error), '', this.#locator.at(error.offset));
    if (root === undefined || root.type !== wanted) {
      if (root !== undefined || errors.length === 0)
        this.#report('schema.type', `the document must be an ${wanted}`, '', this.#locator.at(root?.offset ?? 0));
      return { value: undefined, locator: this.#locator, diagnostics: this.#diagnostics, brokenAt: [] };
    }
    const value = this.#toValue(root, '');
    return {
      value,
      locator: this.#locator,
      diagnostics: this.#diagnostics,
      brokenAt: errors.map((error) => error.offset),
    };
  }

  #toValue(node: Node, pointer: string): unknown {
    if (node.type === 'array')
      return (node.children ?? []).map((child, index) => this.#toValue(child, appendPointer(pointer, index)));
    if (node.type !== 'object') return node.value as unknown;
    const value: Record<string, unknown> = {};
    const seen = new Map<string, Node>();
    for (const property of node.children ?? []) {
      const [keyNode, valueNode] = property.children ?? [];
      if (keyNode === undefined) continue;
      const key = String(keyNode.value);
      const keyPointer = appendPointer(pointer, key);
      const position = this.#locator.at(keyNode.offset);
      if (prototypeKeys.has(key)) {
        this.#report('json.prototypeKey', `the key ${quote(key)} is not allowed`, keyPointer, position);
        continue;
      }
      const first = seen.get(key);
      if (first !== undefined) {
        this.#report(
          'json.duplicateKey',
          `duplicate key ${quote(key)} (first at line ${this.#locator.at(first.offset).line})`,
          keyPointer,
          position,
        );
      }
      seen.set(key, keyNode);
      if (valueNode !== undefined) value[key] = this.#toValue(valueNode, keyPointer);
    }
    return value;
  }

  #report(code: string, message: string, pointer: string, position: Position): void {
    this.#diagnostics.push({ code, severity: 'error', message, file: this.#file, pointer, ...position });
  }
}

/** "CommaExpected" -> "comma expected". */
function describeSyntaxError(error: ParseError): string {
  return printParseErrorCode(error.error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}
