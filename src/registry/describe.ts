import { buildPipelineSchema, usableKinds } from '../definitions/pipeline-schema.ts';
import { prepareSchema, type JsonSchema } from '../definitions/prepare-schema.ts';
import { answerEventSchemas } from '../kernel/event.ts';
import { describeComponents } from './describe-components.ts';
import { describeErrors } from './describe-errors.ts';
import { describeLosses } from './describe-losses.ts';
import { componentKinds, type Registry } from './registry.ts';

const draft = 'https://json-schema.org/draft/2020-12/schema';

/** Folders that hold nothing but what `describe` makes. */
export const generatedFolders: readonly string[] = ['schemas/components', 'schemas/resources', 'docs/components'];

/**
 * Everything that is generated from the code, by path from the root of the project: the schemas that editors and the
 * engine use, and the pages about components and errors. The same code gives the same bytes.
 */
export function describe(registry: Registry): Map<string, string> {
  const files = new Map<string, string>();
  files.set('schemas/pipeline.schema.json', json(buildPipelineSchema(registry)));
  files.set('schemas/stream-event.schema.json', json(streamEventSchema()));
  const { body } = registry.get('parser', 'native') ?? {};
  if (body !== undefined) files.set('schemas/chat-request.schema.json', json(chatRequestSchema(body)));
  for (const kind of usableKinds) files.set(`schemas/resources/${kind}.schema.json`, json(resourceSchema(kind)));
  files.set('schemas/resources/word-list.schema.json', json(wordListSchema));
  for (const kind of componentKinds) {
    for (const component of registry.list(kind)) {
      files.set(
        `schemas/components/${kind}/${component.type}.schema.json`,
        json(configSchema(component.type, component.summary, component.config)),
      );
    }
    files.set(`docs/components/${kind}.md`, describeComponents(kind, registry.list(kind)));
  }
  files.set('docs/errors.md', describeErrors());
  files.set('docs/losses.md', describeLosses());
  return files;
}

const wordListSchema: JsonSchema = {
  $schema: draft,
  title: 'Word list',
  description: 'A shared list of words: pipelines/resources/word-list/NAME.json.',
  type: 'array',
  items: { type: 'string', minLength: 1 },
  minItems: 1,
  maxItems: 200_000,
};

/** The shapes of components stand in one file; the others point there, from the folder that they lie in. */
function resourceSchema(kind: (typeof usableKinds)[number]): JsonSchema {
  return {
    $schema: draft,
    title: `Shared ${kind}`,
    description: `A ${kind} that pipelines refer to by its name: pipelines/resources/${kind}/NAME.json.`,
    $ref: `../pipeline.schema.json#/$defs/${kind}`,
  };
}

function configSchema(type: string, summary: string, config: unknown): JsonSchema {
  const text = JSON.stringify(prepareSchema(config));
  const schema = JSON.parse(
    text.replaceAll('"$ref":"#/$defs/', '"$ref":"../../pipeline.schema.json#/$defs/'),
  ) as JsonSchema;
  return { $schema: draft, title: `config of ${type}`, description: summary, ...schema };
}

/** Takes what the parser takes and no more: a comment in a request would be a field that nobody knows. */
function chatRequestSchema(body: object): JsonSchema {
  const { title, description, ...rest } = JSON.parse(JSON.stringify(body)) as JsonSchema;
  return { $schema: draft, title, description, ...rest };
}

/** The events of an answer, told apart by `type`. The native dialect adds `seq` and `t` to each. */
function streamEventSchema(): JsonSchema {
  const events = answerEventSchemas.map((schema) => JSON.parse(JSON.stringify(schema)) as JsonSchema);
  const envelope = {
    seq: { type: 'integer', minimum: 0, description: 'Place in the stream, from 0; also the id of the SSE event.' },
    t: { type: 'number', minimum: 0, description: 'Milliseconds since the run began.' },
  };
  const shapes = events.map((event) => [
    String(event['title']),
    { ...event, properties: { ...Object(event['properties']), ...envelope } },
  ]);
  return {
    $schema: draft,
    title: 'Stream event',
    description: 'One event of an answer in the native dialect.',
    oneOf: events.map((event) => ({ $ref: `#/$defs/${String(event['title'])}` })),
    $defs: Object.fromEntries(shapes) as JsonSchema,
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
