import fc from 'fast-check';

/** A schema with all documents that may be valid for it, written without blanks; a digit stands for every number. */
export interface ListedSchema {
  readonly schema: Record<string, unknown>;
  readonly texts: readonly string[];
}

const strings = ['', 'a', 'b', 'ab', 'aa', 'ba', 'bb'];
/** All strings of up to two characters, where `x` stands for any but `a` and `b`. */
const anyStrings = ['', ...['a', 'b', 'x'].flatMap((one) => [one, ...['a', 'b', 'x'].map((two) => one + two)])];
const numbers = ['1', '2'];
const keys = ['a', 'ab', 'b'];
const maxTexts = 600;

const scalars: fc.Arbitrary<ListedSchema> = fc.oneof(
  fc.tuple(fc.subarray(strings, { minLength: 1 }), fc.boolean()).map(([list, withNull]) => ({
    schema: { enum: withNull ? [...list, null] : list },
    texts: [...list.map((text) => JSON.stringify(text)), ...(withNull ? ['null'] : [])],
  })),
  fc.tuple(fc.nat(1), fc.nat(1)).map(([min, more]) => ({
    schema: { type: 'string', minLength: min, maxLength: min + more },
    texts: anyStrings.map((text) => JSON.stringify(text)),
  })),
  fc
    .tuple(fc.subarray(strings, { minLength: 3 }), fc.constantFrom({ maxLength: 1 }, { pattern: '^a*$' }))
    // Where nothing is valid the first impossible character may be before this value; that is not looked for.
    .filter(([list, rule]) => list.some((text) => ('pattern' in rule ? /^a*$/.test(text) : text.length < 2)))
    .map(([list, rule]) => ({ schema: { enum: list, ...rule }, texts: list.map((text) => JSON.stringify(text)) })),
  fc.constantFrom<ListedSchema[]>(
    { schema: { type: 'boolean' }, texts: ['true', 'false'] },
    { schema: { const: true }, texts: ['true'] },
    { schema: { type: ['null', 'integer'] }, texts: ['null', ...numbers] },
    { schema: { type: 'number' }, texts: numbers },
    { schema: { const: { a: 1, b: [null] } }, texts: ['{"a":1,"b":[null]}', '{"b":[null],"a":1}'] },
    { schema: { enum: [['a'], 'a', []] }, texts: ['["a"]', '"a"', '[]'] },
    { schema: { type: ['boolean', 'string'], not: { type: 'string' } }, texts: ['true', 'false'] },
  ),
);

/** Schemas with few valid documents, of the keywords that are decided character by character. */
export const listedSchemas: fc.Arbitrary<ListedSchema> = fc
  .oneof(
    scalars,
    arrayOf(scalars),
    objectOf(scalars),
    objectOf(fc.oneof(arrayOf(scalars), objectOf(scalars))),
    eitherOf(fc.oneof(scalars, arrayOf(scalars), objectOf(scalars))),
  )
  .filter(({ texts }) => texts.length <= maxTexts);

function arrayOf(items: fc.Arbitrary<ListedSchema>): fc.Arbitrary<ListedSchema> {
  return fc.tuple(items, fc.option(items), fc.nat(1), fc.nat(1)).map(([rest, first, minItems, more]) => {
    const maxItems = minItems + more;
    const heads = (first ?? rest).texts;
    const one = heads.map((text) => `[${text}]`);
    const two = heads.flatMap((head) => rest.texts.map((text) => `[${head},${text}]`));
    return {
      schema: {
        type: 'array',
        items: rest.schema,
        minItems,
        maxItems,
        ...(first !== null && { prefixItems: [first.schema] }),
      },
      texts: ['[]', ...(maxItems > 0 ? one : []), ...(maxItems > 1 ? two : [])],
    };
  });
}

function objectOf(values: fc.Arbitrary<ListedSchema>): fc.Arbitrary<ListedSchema> {
  return fc
    .tuple(fc.subarray(keys, { minLength: 1, maxLength: 2 }), fc.tuple(values, values), fc.nat(3), fc.nat(2))
    .map(([names, inner, requiredBits, extra]) => {
      const required = names.filter((_name, index) => (requiredBits & (1 << index)) !== 0);
      const members = names.map((name, index) => (inner[index]?.texts ?? []).map((text) => `"${name}":${text}`));
      const [first = [], second = []] = members;
      const pairs = first.flatMap((one) => second.flatMap((two) => [`{${one},${two}}`, `{${two},${one}}`]));
      return {
        schema: {
          type: 'object',
          properties: Object.fromEntries(names.map((name, index) => [name, inner[index]?.schema])),
          required,
          additionalProperties: false,
          ...(extra === 1 && { maxProperties: Math.max(1, required.length) }),
          ...(extra === 2 && { minProperties: 1 }),
        },
        texts: ['{}', ...members.flat().map((member) => `{${member}}`), ...pairs],
      };
    });
}

function eitherOf(inner: fc.Arbitrary<ListedSchema>): fc.Arbitrary<ListedSchema> {
  return fc.tuple(inner, inner, fc.boolean()).map(([one, two, byName]) => ({
    schema: byName
      ? { anyOf: [{ $ref: '#/$defs/one' }, two.schema], $defs: { one: one.schema } }
      : { anyOf: [one.schema, two.schema] },
    texts: [...one.texts, ...two.texts],
  }));
}

const nested = (inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 1, arbitrary: fc.boolean() }, { weight: 6, arbitrary: inner });

/** Any schema of all keywords that are checked, for documents of `smallJson`. */
export const anySchema: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ schema: Record<string, unknown> }>(
  (tie) => {
    const inner = nested(tie('schema'));
    const keyword = (name: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<[string, unknown]> =>
      value.map((given): [string, unknown] => [name, given]);
    const small = fc.nat(2);
    const names = fc.subarray(keys, { minLength: 1 });
    const some = fc.array(inner, { minLength: 1, maxLength: 3 });
    const map = fc.dictionary(fc.constantFrom(...keys), inner, { minKeys: 1, maxKeys: 3 });
    const type = fc.constantFrom('null', 'boolean', 'integer', 'number', 'string', 'object', 'array');
    const flat = fc.oneof(
      keyword('type', fc.oneof(type, fc.uniqueArray(type, { minLength: 2, maxLength: 4 }))),
      keyword(
        'enum',
        fc.uniqueArray(smallJson(), { minLength: 1, maxLength: 4, selector: (value) => JSON.stringify(value) }),
      ),
      keyword('const', smallJson()),
      keyword('required', names),
      ...['minProperties', 'maxProperties', 'minItems', 'maxItems', 'minLength', 'maxLength'].map((name) =>
        keyword(name, small),
      ),
      ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((name) =>
        keyword(name, fc.integer({ min: -1, max: 3 })),
      ),
      keyword('multipleOf', fc.constantFrom(0.5, 2)),
      keyword('uniqueItems', fc.boolean()),
      keyword('pattern', fc.constantFrom('^a', 'b$', '^(a|b)?$', '\\s', '^[^a]*$')),
      keyword('dependentRequired', fc.dictionary(fc.constantFrom(...keys), names, { minKeys: 1, maxKeys: 1 })),
    );
    const deep = fc.oneof(
      keyword('properties', map),
      keyword('properties', map),
      keyword(
        'patternProperties',
        map.map((given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [`^${name}`, value]))),
      ),
      ...['additionalProperties', 'propertyNames', 'items', 'not', 'if', 'then', 'else'].map((name) =>
        keyword(name, inner),
      ),
      ...['prefixItems', 'allOf', 'anyOf', 'oneOf'].map((name) => keyword(name, some)),
      keyword('dependentSchemas', map),
    );
    return {
      schema: fc
        .oneof(
          { maxDepth: 3, depthIdentifier: 'schema' },
          fc.array(flat, { minLength: 1, maxLength: 2 }),
          fc.array(fc.oneof(flat, deep, deep), { minLength: 1, maxLength: 4 }),
        )
        .map((entries) => Object.fromEntries(entries)),
    };
  },
).schema;

/** Documents of few keys and values, so that rules about them often meet. */
export function smallJson(): fc.Arbitrary<unknown> {
  const scalar = fc.constantFrom<unknown[]>(null, true, false, 0, 1, 2, -1, 1.5, '', 'a', 'b', 'ab', ' ', '😀');
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 2, depthIdentifier: 'value' },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys, 'c'), tie('value'), { maxKeys: 3 }),
    ),
  })).value;
}
