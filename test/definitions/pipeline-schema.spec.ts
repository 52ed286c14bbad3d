import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from '@jest/globals';
import Type from 'typebox';
import { buildPipelineSchema } from '../../src/definitions/pipeline-schema.ts';
import { SchemaValidator } from '../../src/definitions/schema-validator.ts';
import { defineProcessor } from '../../src/kernel/component.ts';
import { strictObject } from '../../src/kernel/schema.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { minimal } from './check-support.ts';
import { fakeRegistry } from './fake-registry.ts';

describe('the published schema', () => {
  const schema = buildPipelineSchema(fakeRegistry);

  it('is plain JSON Schema that any validator of draft 2020-12 reads', () => {
    const validate = new Ajv2020({ strict: false }).compile(JSON.parse(JSON.stringify(schema)) as object);
    expect(validate(minimal)).toBe(true);
    expect(validate({ ...minimal, surprise: 1 })).toBe(false);
    expect(validate({ ...minimal, 'x-surprise': 1 })).toBe(true);
  });

  it('names the components by an enum with their summaries, and has one if/then for each', () => {
    expect(schema).toMatchObject({
      $defs: {
        modifier: {
          properties: {
            type: { enum: ['insert', 'mask'], enumDescriptions: ['Adds text.', 'Masks words of the answer.'] },
          },
          allOf: [
            { if: { properties: { type: { const: 'insert' } } } },
            { if: { properties: { type: { const: 'mask' } } } },
          ],
        },
      },
    });
    expect(JSON.stringify(schema)).not.toContain('~');
  });

  it('is the same whatever the order in which components were found', () => {
    const found = (['parser', 'processor', 'token-provider', 'backend', 'modifier', 'encoder'] as const).flatMap(
      (kind) => fakeRegistry.list(kind).map((component) => ({ component, file: component.type })),
    );
    expect(JSON.stringify(buildPipelineSchema(createRegistry(found.toReversed())))).toBe(JSON.stringify(schema));
  });

  it('is usable with no component at all', () => {
    const validator = new SchemaValidator();
    validator.add(buildPipelineSchema(createRegistry([])), 'pipeline');
    expect(
      validator
        .check('pipeline', { ...minimal, processors: [{ type: 'x' }] })
        .errors.map(({ instancePath, keyword }) => `${keyword} ${instancePath}`),
    ).toEqual(expect.arrayContaining(['pattern /processors/0/type', 'pattern /backends/gpt/type']));
  });
});

describe('a schema with a slip', () => {
  it.each<[what: string, field: object, message: RegExp]>([
    ['an unknown keyword', { type: 'string', minLenght: 1 }, /unknown keyword/],
    [
      'a default that would be ignored',
      { anyOf: [{ type: 'object', properties: { a: { type: 'string', default: 'x' } } }] },
      /default is ignored/,
    ],
    ['a limit of another type', { type: 'string', minimum: 1 }, /minimum/],
  ])('%s is refused when it is compiled', (_what, field, message) => {
    const component = defineProcessor({
      type: 'slip',
      summary: 'Slip.',
      guard: false,
      needs: [],
      examples: [],
      create: () => ({}),
      config: strictObject({ field: Type.Unsafe(field) }),
    });
    expect(() =>
      new SchemaValidator().add(buildPipelineSchema(createRegistry([{ component, file: 'slip.ts' }])), 'pipeline'),
    ).toThrow(message);
  });
});
