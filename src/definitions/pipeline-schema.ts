import Type, { type Static, type TSchema } from 'typebox';
import type { ComponentKind } from '../kernel/component.ts';
import type { ModifierPhase } from '../kernel/modifier.ts';
import { defaulted, Duration, Name, strictObject, type Configured } from '../kernel/schema.ts';
import { UpstreamScript } from '../kernel/upstream-script.ts';
import type { ComponentOf, Registry } from '../registry/registry.ts';
import { prepareSchema, type JsonSchema } from './prepare-schema.ts';

/*
 * The one schema of a definition: it is published for editors, and it is what the engine itself checks with. The parts
 * that are the same for all components are written here; `type` and `config` come from the registry, as an `enum` and
 * one `if/then` per type. A `oneOf` would make editors and Ajv report every branch instead of the true mistake.
 */

export const apiVersion = 'sluice/v1';
export const maxSteps = 32;
export const maxBackends = 32;
const maxNamed = 256;
const maxConditionCharacters = 2_000;

/** Kinds of which a definition chooses components. Each has its shape under `$defs`. */
export const usableKinds = [
  'processor',
  'token-provider',
  'backend',
  'modifier',
] as const satisfies readonly ComponentKind[];
export type UsableKind = (typeof usableKinds)[number];

/** A duration of the engine's own, from `smallest` to `largest`. */
const duration = (value: string, smallest: string, largest: string, description: string) =>
  defaulted(
    { ...Duration, 'x-range': [smallest, largest], description: `${description} From ${smallest} to ${largest}.` },
    value,
  );
const text = (description: string) => Type.Optional(Type.String({ maxLength: 4_096, description }));

const Timeouts = strictObject({
  connect: duration('5s', '1ms', '24h', 'Until a connection is established, TLS included.'),
  headers: duration('60s', '1ms', '24h', 'Until the head of the answer has come.'),
  firstToken: duration('90s', '1ms', '24h', 'Until the first content has come.'),
  idle: duration('60s', '1ms', '24h', 'Between any two pieces of the stream.'),
  progress: duration('120s', '1ms', '24h', 'Between any two pieces of content.'),
  total: duration('15m', '1ms', '24h', 'The whole attempt.'),
});
const Output = strictObject({
  heartbeat: duration('15s', '100ms', '1h', 'A sign of life is sent this often.'),
  commitAfter: duration('10s', '1ms', '1h', 'The head goes out after this long without content.'),
  debug: defaulted(
    Type.Boolean({ description: 'Shows in the header x-sluice-plan what the modifiers do to the stream.' }),
    false,
  ),
  clientStall: duration('30s', '1ms', '24h', 'A client that does not read is given up after this long.'),
});
const Limits = strictObject({
  concurrentStreams: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100_000,
      description: 'Streams of this pipeline at the same time. Default: no limit of its own.',
    }),
  ),
  maxStreamDuration: duration('15m', '1ms', '24h', 'A run is ended after this long.'),
  maxFrameBytes: defaulted(
    Type.Integer({ minimum: 1_024, maximum: 16_777_216, description: 'One event of the provider.' }),
    1_048_576,
  ),
  maxAnswerBytes: defaulted(
    Type.Integer({ minimum: 1_024, maximum: 1_073_741_824, description: 'The whole answer of the provider.' }),
    8_388_608,
  ),
});
const Parameter = strictObject({
  type: Type.Enum(['string', 'number', 'integer', 'boolean']),
  enum: Type.Optional(
    Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      minItems: 1,
      maxItems: maxNamed,
      uniqueItems: true,
    }),
  ),
  default: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  description: text('For people who call the pipeline.'),
  minimum: Type.Optional(Type.Number()),
  maximum: Type.Optional(Type.Number()),
  maxLength: Type.Optional(Type.Integer({ minimum: 0 })),
});
const RoutingTarget = strictObject({
  to: Type.Array(Name, {
    minItems: 1,
    maxItems: 1,
    description: 'Name of a backend of this file, or of a shared one.',
  }),
});
const ParameterName = Type.String({
  pattern: '^[a-z][a-zA-Z0-9_-]{0,62}$',
  'x-hint': 'letters, digits, "-" and "_", beginning with a lower-case letter',
});
const Routing = strictObject({ default: RoutingTarget });
const OnError = Type.Enum(['fail', 'skip']);

const inbound = (registry: Registry) =>
  strictObject({
    formats: defaulted(
      Type.Array(typeOf(registry, 'parser'), {
        minItems: 1,
        uniqueItems: true,
        description: 'Dialects that clients may speak. Default: all.',
      }),
      [...registry.types('parser')],
    ),
    maxBodyBytes: defaulted(
      Type.Integer({ minimum: 1, maximum: 67_108_864, description: 'Largest body of a request.' }),
      33_554_432,
    ),
    unknownModel: defaulted(
      Type.Enum(['refuse', 'route'], { description: 'What happens to a model name that nobody knows here.' }),
      'refuse',
    ),
    unknownFields: defaulted(
      Type.Enum(['forward', 'drop', 'reject'], {
        description:
          'What happens to fields of a body that its format does not document: sent on to a backend of the same format, left out, or refused.',
      }),
      'forward',
    ),
  });

/** A component as it stands in a definition, defaults filled in. Secrets and names in `config` are still references. */
export interface ComponentUse {
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
}
export interface StepUse extends ComponentUse {
  readonly name?: string;
  /** A condition; the step is left out where it is false. */
  readonly when?: string;
  readonly onError: Static<typeof OnError>;
}
export interface ModifierUse extends StepUse {
  readonly phase: ModifierPhase;
}
export interface ProcessorUse extends StepUse {
  readonly timeout: string;
}
export interface BackendUse extends ComponentUse {
  readonly token?: string | ComponentUse;
  readonly network: 'public' | 'private';
  readonly timeouts: Configured<typeof Timeouts>;
  readonly upstream?: UpstreamScript;
}

export type ParameterDeclaration = Static<typeof Parameter>;

/** A definition in its built form: valid, and with every default filled in. Durations are text with a unit. */
export interface PipelineDefinition {
  readonly apiVersion: typeof apiVersion;
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly inbound: Configured<ReturnType<typeof inbound>>;
  readonly params: Readonly<Record<string, ParameterDeclaration>>;
  /** A string is the name of a shared one. */
  readonly processors: readonly (string | ProcessorUse)[];
  readonly tokenProviders: Readonly<Record<string, string | ComponentUse>>;
  readonly backends: Readonly<Record<string, string | BackendUse>>;
  readonly routing?: Static<typeof Routing>;
  readonly modifiers: readonly (string | ModifierUse)[];
  readonly output: Configured<typeof Output>;
  readonly limits: Configured<typeof Limits>;
}

/** JSON Schema (draft 2020-12) of a pipeline with the components of `registry`. */
export function buildPipelineSchema(registry: Registry): JsonSchema {
  const { type, required, properties, ...rest } = prepareSchema(pipelineObject(registry));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Sluice pipeline',
    description:
      'A pipeline of Sluice: what comes in, what is done to it, which model answers, what is done to the answer.',
    type,
    required,
    properties,
    ...rest,
    $defs: buildComponentShapes(registry),
  };
}

/** The shapes of the components that a definition can choose, by kind. */
function buildComponentShapes(registry: Registry): Record<UsableKind, JsonSchema> {
  const step = (kind: UsableKind, phase: string) => ({
    name: Type.Optional({
      ...Name,
      description: 'Name of the step in logs, metrics and tests. Default: its type and place.',
    }),
    type: typeOf(registry, kind),
    when: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: maxConditionCharacters,
        'x-when': phase,
        description: 'A condition; where it is false the step is left out.',
      }),
    ),
    onError: defaulted(
      {
        ...OnError,
        description: 'A failure ends the run, or leaves out the step. Steps that protect can not be skipped.',
      },
      'fail',
    ),
    config: anyConfig,
  });
  return {
    processor: shape(registry, 'processor', {
      ...step('processor', 'request'),
      timeout: duration('30s', '1ms', '24h', 'The step fails after this long.'),
    }),
    'token-provider': shape(registry, 'token-provider', {
      type: typeOf(registry, 'token-provider'),
      config: anyConfig,
      origins: Type.Optional(
        Type.Array(
          Type.String({
            pattern: '^https?://[^/?#@\\s]+$',
            maxLength: 300,
            'x-hint': 'scheme, host and port, such as "https://api.openai.com"',
          }),
          {
            minItems: 1,
            maxItems: 32,
            description:
              'The only origins that its credentials may be sent to; a backend at another one is refused. Without it, those of the backends that name it.',
          },
        ),
      ),
    }),
    backend: shape(registry, 'backend', {
      type: typeOf(registry, 'backend'),
      config: anyConfig,
      token: Type.Optional(
        Type.Unsafe(
          namedOrInline('token-provider', 'The credential: the name of a token provider, or one of its own.'),
        ),
      ),
      network: defaulted(
        Type.Enum(['public', 'private'], { description: 'Where the address of the provider may be.' }),
        'public',
      ),
      timeouts: withDefaults(Timeouts),
      upstream: Type.Optional(UpstreamScript),
    }),
    modifier: shape(registry, 'modifier', {
      ...step('modifier', 'response'),
      phase: defaulted(
        Type.Enum(['stream', 'end'], {
          description:
            'stream: it acts on all that streams. end: only where an answer ends; its condition may read response.finishReason.',
        }),
        'stream',
      ),
    }),
  };
}

const anyConfig = Type.Optional(
  Type.Unsafe<Record<string, unknown>>({ type: 'object', description: 'Configuration of the component.' }),
);

const pipelineObject = (registry: Registry) =>
  strictObject({
    $schema: Type.Optional(Type.String({ description: 'Where an editor finds the schema of this file.' })),
    apiVersion: Type.Literal(apiVersion, { description: 'Version of the format.' }),
    name: { ...Name, description: 'Name of the pipeline: the name of its file, and its place in the URL.' },
    version: text("The author's own version; for people."),
    description: text('What the pipeline is for.'),
    labels: Type.Optional(
      mapOf(Type.String({ maxLength: 256 }), {
        maxProperties: 64,
        default: {},
        description: 'Free labels, for people and for filters.',
      }),
    ),
    inbound: withDefaults(inbound(registry)),
    params: Type.Optional(
      mapOf(Parameter, {
        maxProperties: maxNamed,
        propertyNames: ParameterName,
        default: {},
        description: 'Parameters that a request may set.',
      }),
    ),
    processors: stepList('processor', 'Work on the request, in this order.'),
    tokenProviders: Type.Optional(
      mapOf(namedOrInline('token-provider', 'A shared one by name, or one of this file.'), {
        maxProperties: maxBackends,
        propertyNames: Name,
        default: {},
        description: 'Where credentials come from.',
      }),
    ),
    backends: mapOf(namedOrInline('backend', 'A shared one by name, or one of this file.'), {
      minProperties: 1,
      maxProperties: maxBackends,
      propertyNames: Name,
      description: 'The models that can answer.',
    }),
    routing: Type.Optional({ ...Routing, description: 'Which backend answers. Needed where there is more than one.' }),
    modifiers: stepList('modifier', 'Work on the answer while it streams, in this order.'),
    output: withDefaults(Output),
    limits: withDefaults(Limits),
  });

function stepList(kind: UsableKind, description: string): TSchema {
  return Type.Optional(
    Type.Unsafe({ type: 'array', items: namedOrInline(kind, ''), maxItems: maxSteps, default: [], description }),
  );
}

function mapOf(values: unknown, options: Record<string, unknown>): TSchema {
  return Type.Unsafe({ type: 'object', additionalProperties: values, ...options });
}

/** An object whose fields all have defaults of their own. */
function withDefaults(schema: TSchema): TSchema {
  return Type.Optional({ ...schema, default: {} });
}

/** A string is a name, anything else is the component itself. `prepareSchema` puts in the two forms. */
function namedOrInline(kind: UsableKind, description: string): JsonSchema {
  return {
    'x-reference': kind,
    if: { type: 'string' },
    then: true,
    else: true,
    ...(description !== '' && { description }),
  };
}

/** The `type` field: what the registry has of that kind, each with its summary. */
function typeOf(registry: Registry, kind: ComponentKind): ReturnType<typeof Type.Unsafe<string>> {
  const components = registry.list(kind);
  if (components.length === 0)
    return Type.Unsafe<string>({
      type: 'string',
      pattern: '^(?!)',
      'x-hint': `left out, since this engine has no ${kind}`,
    });
  const summaries = components.map((component: ComponentOf<ComponentKind>) => component.summary);
  return Type.Unsafe<string>({ type: 'string', enum: [...registry.types(kind)], enumDescriptions: summaries });
}

function shape(registry: Registry, kind: UsableKind, properties: Record<string, TSchema>): JsonSchema {
  const branches = registry.list(kind).map((component: ComponentOf<UsableKind>) => ({
    if: { type: 'object', properties: { type: { const: component.type } }, required: ['type'] },
    // The default stands here and not beside `type`: Ajv fills it in before it looks at the fields of this very object.
    then: { properties: { config: { ...component.config, default: {} } } },
  }));
  const { type, required, ...rest } = strictObject(properties) as unknown as JsonSchema;
  return prepareSchema({ title: kind, type, required, ...rest, ...(branches.length > 0 && { allOf: branches }) });
}
