import { describe, expect, it } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { JsonSchemaFollower } from '../../../src/kernel/json/json-prefix-follower.ts';
import { JsonPrefixReader, readerStates } from '../../../src/kernel/json/json-prefix-reader.ts';
import { compileJsonSchema } from '../../../src/kernel/json/json-prefix-schema.ts';
import type { SchemaNode } from '../../../src/kernel/json/json-prefix-node.ts';
import { anySchema, listedSchemas, smallJson } from '../../support/json-schemas.ts';
import { cut, lawCases } from '../../support/law.ts';

/** One part of the cases of json-guard; the others are in its own spec. */
const share = (part: number): number => Math.ceil((lawCases * part) / 100);
const ajv = new Ajv2020({ strict: false, validateFormats: false, addUsedSchema: false });

/** Reads a text in pieces; where it stopped, and whether it is a valid document. */
function read(node: SchemaNode, pieces: readonly string[]): { reached: number; isValid: boolean } {
  const reader = new JsonPrefixReader(new JsonSchemaFollower(node), true);
  let reached = 0;
  for (const piece of pieces) if (reader.mistake === undefined) reached += reader.read(piece);
  reader.finish();
  return { reached, isValid: reader.state === readerStates.done && reader.mistake === undefined };
}

interface Compiled {
  readonly schema: unknown;
  readonly node: SchemaNode;
  readonly validate: ValidateFunction;
}
const compile = (schema: Record<string, unknown>): Compiled => ({
  schema,
  node: compileJsonSchema(schema),
  // Ajv takes only values of the same realm for equal.
  validate: ajv.compile(JSON.parse(JSON.stringify(schema)) as Record<string, unknown>),
});

/** Undefined where the code that Ajv makes of a schema throws, as it does for a few with branches in branches. */
function verdict(validate: ValidateFunction, text: string): boolean | undefined {
  try {
    return validate(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const cuts = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 4 });
/** Compiling a schema for the oracle takes longer than thousands of documents. */
const schemasOf = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed: 42 });

describe('a document that is checked while it arrives', () => {
  it('is valid where Ajv finds the whole valid', () => {
    const schemas = schemasOf(anySchema, 600).map(compile);
    fc.assert(
      fc.property(fc.nat(schemas.length - 1), smallJson(), fc.boolean(), cuts, (place, value, isWide, lengths) => {
        const { schema, node, validate } = schemas[place] as Compiled;
        const text = JSON.stringify(value, null, isWide ? 1 : 0);
        const expected = verdict(validate, text);
        fc.pre(expected !== undefined);
        const { isValid } = read(node, cut(text, lengths));
        if (isValid !== expected)
          throw new Error(`${JSON.stringify(schema)}\n${text}\nis ${isValid ? '' : 'not '}valid`);
      }),
      { numRuns: share(10) },
    );
  });

  it('is refused at the first character with which no valid document goes on', () => {
    const listed = schemasOf(listedSchemas, 150)
      .map(({ schema, texts }) => {
        const compiled = compile(schema);
        return { ...compiled, texts: [...new Set(texts)].filter((text) => compiled.validate(JSON.parse(text))) };
      })
      .filter(({ texts }) => texts.length > 0);
    const marks = fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', '"', 'a', 'b', '1', 't', 'n', '\\u006', 'rue', '"a":', '"b"'],
    );
    const change = fc.tuple(fc.nat(30), fc.nat(2), fc.oneof(fc.constant(''), marks));
    fc.assert(
      fc.property(fc.nat(listed.length - 1), fc.nat(), change, cuts, (place, which, [at, length, mark], lengths) => {
        const { schema, node, texts } = listed[place] as (typeof listed)[number];
        const chosen = texts[which % texts.length] ?? '';
        const text = chosen.slice(0, at) + mark + chosen.slice(at + length);
        // In the list one digit stands for any number, which is not so where a constant says which one.
        fc.pre(!/[12]{2}/.test(text) || !/"(?:const|enum)"/.test(JSON.stringify(schema)));
        const { reached } = read(node, cut(text, lengths));
        const possible = possibleLength(text, texts);
        if (reached !== possible)
          throw new Error(`${JSON.stringify(schema)}\n${text}\nreached ${reached}, not ${possible}`);
      }),
      { numRuns: share(8) },
    );
  });

  it('goes on where a valid document goes on', () => {
    const schemas = schemasOf(anySchema, 600).map(compile);
    fc.assert(
      fc.property(fc.nat(schemas.length - 1), smallJson(), (place, value) => {
        const { node, validate } = schemas[place] as Compiled;
        const text = JSON.stringify(value);
        fc.pre(verdict(validate, text) === true);
        expect(read(node, [text]).reached).toBe(text.length);
      }),
      { numRuns: share(1) },
    );
  });
});

/** How much of the text begins a document of the list. */
function possibleLength(text: string, documents: readonly string[]): number {
  for (let length = 1; length <= text.length; length += 1) {
    const beginning = beginningOf(text.slice(0, length));
    if (beginning === undefined || !documents.some((document) => beginning.test(document))) return length - 1;
  }
  return text.length;
}

/**
 * A pattern for listed documents that begin with a text, undefined where the text is none. In the list `x` stands for any
 * other character of a string, and one digit for any number.
 */
function beginningOf(text: string): RegExp | undefined {
  let pattern = '';
  for (let rest = text; rest !== '';) {
    const string = /^"((?:[^"\\]|\\u[0-9a-f]{4})*)(?:(")|(\\(?:u([0-9a-f]{0,3}))?)?$)/.exec(rest);
    if (rest.startsWith('"') && string === null) return undefined;
    const [token = '', inner = '', quote = '', escape, digits = ''] = string ?? /^(?:[12]+|[^"])/.exec(rest) ?? [];
    rest = rest.slice(token.length);
    if (string === null) {
      pattern += /^[12]/.test(token) ? '[12]' : token.replace(/[{}[\]\\]/, '\\$&');
      continue;
    }
    const plain = inner.replaceAll(/\\u([0-9a-f]{4})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    pattern += `"${plain.replaceAll(/[^ab]/g, 'x')}${quote}`;
    if (escape !== undefined) pattern += `[${'0061'.startsWith(digits) ? 'ab' : ''}x]`;
  }
  return new RegExp(`^${pattern}`);
}
