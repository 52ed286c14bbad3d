import Type, { type Static, type TObject, type TProperties, type TSchema } from 'typebox';

/** A strict object: a key that is not listed is a mistake of the author, so it is an error. */
export function strictObject<P extends TProperties>(properties: P, options: Record<string, unknown> = {}): TObject<P> {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** Brands a field whose value comes from `default` when the author leaves it out. */
interface Defaulted {
  readonly '~defaulted': true;
}

/**
 * A field with a default: optional for the author, in the published schema and in the editor; always there for the
 * code that is built from it. Ajv fills it in on the copy that is built, never in the author's document.
 */
export function defaulted<S extends TSchema>(
  schema: S,
  value: Static<S>,
): ReturnType<typeof Type.Optional<S>> & Defaulted {
  return Type.Optional({ ...schema, default: value } as S) as ReturnType<typeof Type.Optional<S>> & Defaulted;
}

type DefaultedKeys<P extends TProperties> = { [K in keyof P]: P[K] extends Defaulted ? K : never }[keyof P];

/** The type of a validated config: fields made with `defaulted` are present, secrets are resolved. */
export type Configured<S extends TSchema> =
  S extends TObject<infer P extends TProperties>
    ? Static<S> & { readonly [K in DefaultedKeys<P>]-?: NonNullable<Static<P[K]>> }
    : Static<S>;

/** A duration with its unit, such as `"250ms"` or `"15s"`. */
export const Duration = Type.String({
  pattern: '^\\d{1,9}(ms|s|m|h)$',
  'x-hint': 'a number and a unit: "250ms", "15s", "5m", "1h"',
  description: 'A duration with its unit: ms, s, m or h.',
});

/** Names of pipelines, backends, resources. The same pattern guards the URL, the file name and the document. */
export const namePattern = '^[a-z][a-z0-9-]{0,62}$';
export const Name = Type.String({
  pattern: namePattern,
  'x-hint': 'a-z, 0-9 and "-", beginning with a letter, at most 63 characters',
});

/** Names another pipeline that a component calls. The definition is refused where there is none, and where the calls go in a circle. */
export function pipelineName(options: Record<string, unknown> = {}): ReturnType<typeof Type.String> {
  return Type.String({ ...Name, 'x-pipeline': true, description: 'Name of another pipeline.', ...options });
}

/**
 * A secret. In the document it is a reference, `{"$env": NAME}` or `{"$file": PATH}`; a literal is refused. The
 * component receives a `Secret`.
 */
export function secret(options: Record<string, unknown> = {}): ReturnType<typeof Type.Unsafe<Secret>> {
  return Type.Unsafe<Secret>({
    type: 'object',
    'x-secret': true,
    minProperties: 1,
    maxProperties: 1,
    properties: {
      $env: {
        type: 'string',
        pattern: '^[A-Z_][A-Z0-9_]{0,127}$',
        description: 'Name of an environment variable that SLUICE_ENV_ALLOW admits.',
      },
      $file: {
        type: 'string',
        minLength: 1,
        maxLength: 1024,
        description: 'Path of a file under SLUICE_SECRETS_DIR or the pipelines folder.',
      },
    },
    additionalProperties: false,
    description: 'A secret, as { "$env": NAME } or { "$file": PATH }.',
    ...options,
  });
}

/** A secret as it stands in a document: where its text lies, and never the text. */
export type SecretReference = { readonly $env: string } | { readonly $file: string };

/** A value whose text never shows by accident: not in JSON, not in a template, not in `console.log`. */
export class Secret {
  readonly #read: (anew: boolean) => string;
  readonly #name: string;
  readonly #reference: SecretReference | undefined;

  /**
   * `read` is called at each use, so a rotated file is seen; `anew` asks it to look at its source however short ago it
   * last did. `name` is what logs show, `written` what stands for it in a document.
   */
  constructor(name: string, read: (anew: boolean) => string, written?: SecretReference) {
    this.#name = name;
    this.#read = read;
    this.#reference = written;
  }

  /** What it is called where it is shown. */
  get name(): string {
    return this.#name;
  }

  /** What a document says in its place; undefined for one that no document has. */
  get reference(): SecretReference | undefined {
    return this.#reference;
  }

  reveal(): string {
    return this.#read(false);
  }

  /** As `reveal`, for when the text was refused: what was rotated within the last second is seen too. */
  refresh(): string {
    return this.#read(true);
  }

  toString(): string {
    return `[secret:${this.#name}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Kinds that a config can refer to by name, and that live in this file's map or under `pipelines/resources/<kind>/`. */
export type ReferenceKind = 'token-provider' | 'backend' | 'word-list' | 'processor' | 'modifier';

/**
 * A config field that names a shared thing or holds it inline: a string is a name, anything else is the thing itself.
 * `inline` is the schema of the inline form.
 */
export function reference<S extends TSchema>(
  kind: ReferenceKind,
  inline: S,
  options: Record<string, unknown> = {},
): ReturnType<typeof Type.Unsafe<Static<S>>> {
  return Type.Unsafe<Static<S>>({
    'x-reference': kind,
    if: { type: 'string' },
    then: { pattern: namePattern },
    else: inline,
    ...options,
  });
}
