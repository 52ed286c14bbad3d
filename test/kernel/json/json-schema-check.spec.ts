import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../../src/kernel/errors.ts';
import { checkJsonSchema } from '../../../src/kernel/json/json-schema-check.ts';

const nested = (levels: number): object => (levels === 0 ? {} : { items: nested(levels - 1) });

describe('a JSON Schema', () => {
  it.each([
    [{}],
    [{ type: 'object', properties: { a: { type: 'string' }, b: true }, required: ['a'], additionalProperties: false }],
    [{ type: ['string', 'null'], enum: ['a', null] }],
    [{ type: 'OBJECT', properties: { a: { type: 'STRING' } } }],
    [{ anyOf: [{ type: 'integer' }, { const: 1 }], $defs: { x: {} } }],
    [{ items: [{ type: 'string' }] }],
    [{ 'x-vendor': 1, nullable: true }],
    [nested(64)],
  ])('%j passes', (schema) => {
    expect(() => checkJsonSchema(schema, 's')).not.toThrow();
  });

  it.each([
    ['text', 's', 'expected a JSON Schema, got string'],
    [true, 's', 'expected a JSON Schema, got boolean'],
    [[], 's', 'expected a JSON Schema, got array'],
    [{ type: 'text' }, 's.type', 'there is no type "text"'],
    [{ type: 5 }, 's.type', 'expected the name of a type, got number'],
    [{ type: ['string', 'x'] }, 's.type', 'there is no type "x"'],
    [{ required: 'a' }, 's.required', 'expected an array of strings'],
    [{ required: [1] }, 's.required', 'expected an array of strings'],
    [{ enum: 'a' }, 's.enum', 'expected an array, got string'],
    [{ properties: [] }, 's.properties', 'expected an object of schemas, got array'],
    [{ properties: { a: { type: 'x' } } }, 's.properties.a.type', 'there is no type "x"'],
    [{ anyOf: {} }, 's.anyOf', 'expected an array of schemas'],
    [{ anyOf: [{}, 1] }, 's.anyOf[1]', 'expected a JSON Schema, got number'],
    [{ items: 'x' }, 's.items', 'expected a JSON Schema, got string'],
    [nested(65), `s${'.items'.repeat(65)}`, 'nested deeper than 64 levels'],
  ])('%j is refused at %s', (schema, field, reason) => {
    let thrown: unknown;
    try {
      checkJsonSchema(schema, 's');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'REQUEST_INVALID',
      details: { field, reason: expect.stringContaining(reason) },
    });
  });

  it('is refused by name, or passes, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('items', 'properties', 'anyOf', 'type', 'required'),
        (value, keyword) => {
          try {
            checkJsonSchema({ [keyword]: value }, 's');
          } catch (error) {
            expect(error).toBeInstanceOf(SluiceError);
          }
        },
      ),
    );
  });
});
