import { Ajv2020, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { parseDuration } from '../kernel/clock.ts';
import type { ReferenceKind } from '../kernel/schema.ts';
import { copyJson } from './json-pointer.ts';
import { extensionKey } from './prepare-schema.ts';

/** A place that takes a name or the thing itself. */
export interface MarkedReference {
  readonly kind: ReferenceKind;
  /** Schema of the thing itself. */
  readonly inline: AnySchemaObject;
}

/** JSON pointers of the places that the schema marks, in the order in which they were met. */
export interface Marks {
  readonly secrets: Set<string>;
  readonly references: Map<string, MarkedReference>;
  /** Where another pipeline is named that a component calls. */
  readonly calls: Map<string, string>;
}

export interface ShapeCheck {
  /** A copy of the document with its defaults filled in and its comments (`x-*`, `_comment`, `$schema`) left out. */
  readonly value: unknown;
  readonly errors: readonly ErrorObject[];
  readonly marks: Marks;
}

/** Keywords that say something to people and editors, and nothing to the validator. */
const annotations = [
  'x-hint',
  'x-when',
  'x-template',
  'x-advanced',
  'x-deprecated',
  'enumDescriptions',
  'markdownDescription',
  'defaultSnippets',
];

const strictness = {
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  allowMatchingProperties: true,
  verbose: true,
  logger: false,
} as const;

interface KeywordContext {
  readonly instancePath: string;
}

/**
 * One strict Ajv for the schema of definitions. A keyword that it does not know, or a default that it would ignore, is an error
 * when the schema is compiled: a component with a slip in its schema is found at start and not by an author.
 */
export class SchemaValidator {
  readonly #ajv = new Ajv2020({ ...strictness, allErrors: true, useDefaults: true });
  /** For long lists: stops at the first mistake, because 200,000 error objects help nobody. */
  readonly #listAjv = new Ajv2020(strictness);
  #marks: Marks = emptyMarks();

  constructor() {
    this.#addKeywords(this.#ajv);
    this.#addKeywords(this.#listAjv);
  }

  /** Makes a schema known under `key`. Throws where the schema itself is wrong. */
  add(schema: AnySchemaObject, key: string): void {
    this.#ajv.addSchema(schema, key);
    this.#compiled(key);
  }

  /** Checks a copy of `value` against a known schema, such as `pipeline` or `pipeline#/$defs/backend`. */
  check(key: string, value: unknown): ShapeCheck {
    const copy = copyJson(value);
    const marks = emptyMarks();
    this.#marks = marks;
    const validate = this.#compiled(key);
    validate(copy);
    return { value: copy, errors: validate.errors ?? [], marks };
  }

  /** The first mistake of a long list against the schema of the field that names it. Nothing is copied or filled in. */
  checkList(schema: AnySchemaObject, list: readonly unknown[]): readonly ErrorObject[] {
    const validate = this.#listAjv.compile(schema);
    return validate(list) ? [] : (validate.errors ?? []);
  }

  #addKeywords(ajv: Ajv2020): void {
    for (const keyword of annotations) ajv.addKeyword({ keyword });
    ajv.addKeyword({
      keyword: 'x-secret',
      schemaType: 'boolean',
      type: 'object',
      validate: (_flag: boolean, _data: unknown, _parent?: AnySchemaObject, context?: KeywordContext) => {
        this.#marks.secrets.add(context?.instancePath ?? '');
        return true;
      },
    });
    ajv.addKeyword({
      keyword: 'x-pipeline',
      schemaType: 'boolean',
      type: 'string',
      validate: (_flag: boolean, name: string, _parent?: AnySchemaObject, context?: KeywordContext) => {
        this.#marks.calls.set(context?.instancePath ?? '', name);
        return true;
      },
    });
    ajv.addKeyword({
      keyword: 'x-reference',
      schemaType: 'string',
      validate: (kind: ReferenceKind, _data: unknown, schema?: AnySchemaObject, context?: KeywordContext) => {
        this.#marks.references.set(context?.instancePath ?? '', { kind, inline: schema?.['else'] as AnySchemaObject });
        return true;
      },
    });
    ajv.addKeyword({
      keyword: 'x-extensible',
      schemaType: 'boolean',
      type: 'object',
      modifying: true,
      validate: dropExtensions,
    });
    ajv.addKeyword({ keyword: 'x-range', schemaType: 'array', type: 'string', validate: isDurationInRange });
  }

  #compiled(key: string): ValidateFunction {
    const validate = this.#ajv.getSchema(key);
    if (validate === undefined) throw new TypeError(`there is no schema "${key}"`);
    return validate;
  }
}

function emptyMarks(): Marks {
  return { secrets: new Set(), references: new Map(), calls: new Map() };
}

function dropExtensions(_flag: boolean, data: Record<string, unknown>, schema?: AnySchemaObject): boolean {
  const declared = Object(schema?.['properties']) as object;
  for (const key of Object.keys(data)) {
    if (extensionKey.test(key) && !Object.hasOwn(declared, key)) delete data[key];
  }
  return true;
}

/** Text that is no duration at all is reported by its pattern. */
function isDurationInRange([smallest, largest]: readonly [string, string], text: string): boolean {
  if (!/^\d{1,9}(ms|s|m|h)$/.test(text)) return true;
  const milliseconds = parseDuration(text);
  return milliseconds >= parseDuration(smallest) && milliseconds <= parseDuration(largest);
}
