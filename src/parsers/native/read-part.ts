import Type, { type TObject, type TProperties } from 'typebox';
import {
  checkBoolean,
  checkKeys,
  checkObject,
  checkString,
  checkWord,
  refuse,
} from '../../kernel/dialects/field-check.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { CacheMark, ContentBlock } from '../../kernel/request.ts';
import { strictObject } from '../../kernel/schema.ts';

const { Optional } = Type;
const text = (description: string): ReturnType<typeof Type.String> => Type.String({ description });

/** Marks where a provider may cache the prompt. */
export const Cache = strictObject(
  { ttl: Optional(text('How long, in the words of the provider, such as 5m or 1h.')) },
  { description: 'The provider may cache the prompt up to here.' },
);
const mediaFields = {
  mediaType: Optional(text('Media type; needed with base64.')),
  base64: Optional(text('The bytes.')),
  url: Optional(text('Where the thing is.')),
  fileId: Optional(text('Id of a file at the provider.')),
};
/** Exactly one of them says where the bytes are. */
const sources = ['base64', 'url', 'fileId'] as const;
const oneSource = {
  oneOf: sources.map((field) => ({ required: [field] })),
  dependentRequired: { base64: ['mediaType'] },
};

const partSchemas = {
  text: strictObject({ type: Type.Literal('text'), text: Type.String(), cache: Optional(Cache) }),
  image: strictObject({ type: Type.Literal('image'), ...mediaFields, cache: Optional(Cache) }, oneSource),
  audio: strictObject({ type: Type.Literal('audio'), ...mediaFields }, oneSource),
  file: strictObject(
    { type: Type.Literal('file'), ...mediaFields, name: Optional(text('Name of the file.')), cache: Optional(Cache) },
    oneSource,
  ),
  reasoning: strictObject({
    type: Type.Literal('reasoning'),
    text: Optional(Type.String()),
    signature: Optional(
      strictObject(
        {
          value: text('The signature as it came.'),
          format: Optional(text('The dialect that made it.')),
          encrypted: Optional(Type.Boolean()),
        },
        { description: 'Proof that a provider gave with its reasoning, and wants to see again.' },
      ),
    ),
  }),
  refusal: strictObject({ type: Type.Literal('refusal'), text: Type.String() }),
  tool_call: strictObject({
    type: Type.Literal('tool_call'),
    id: Type.String(),
    name: Type.String(),
    arguments: text('The arguments as JSON text.'),
  }),
} as const satisfies Record<string, TObject<TProperties>>;

type PartType = keyof typeof partSchemas;
const partTypes = Object.keys(partSchemas) as PartType[];

/** A part of a message. */
export const Part = Type.Union(Object.values(partSchemas));

/** Throws REQUEST_INVALID with the field that is wrong. */
export function readPart(value: unknown, place: string): ContentBlock {
  const part = checkObject(value, place);
  const type = checkWord(part['type'], partTypes, `${place}.type`);
  checkKeys(part, Object.keys(partSchemas[type].properties), place);
  switch (type) {
    case 'text':
      return { kind: type, text: checkString(part['text'], `${place}.text`), ...readCache(part['cache'], place) };
    case 'refusal':
      return { kind: type, text: checkString(part['text'], `${place}.text`) };
    case 'reasoning':
      return readReasoning(part, place);
    case 'tool_call':
      return readCall(part, place);
    default:
      return { kind: type, ...readMedia(part, place), place };
  }
}

export function readCall(call: JsonObject, place: string): ContentBlock {
  return {
    kind: 'tool_call',
    name: checkString(call['name'], `${place}.name`),
    callId: checkString(call['id'], `${place}.id`),
    arguments: checkString(call['arguments'], `${place}.arguments`),
  };
}

export function readCache(value: unknown, place: string): { readonly cache?: CacheMark } {
  if (value === undefined) return {};
  const mark = checkObject(value, `${place}.cache`);
  checkKeys(mark, ['ttl'], `${place}.cache`);
  return { cache: mark['ttl'] === undefined ? {} : { ttl: checkString(mark['ttl'], `${place}.cache.ttl`) } };
}

function readMedia(part: JsonObject, place: string): Omit<ContentBlock, 'kind'> {
  const given = sources.filter((field) => part[field] !== undefined);
  const [source] = given;
  if (source === undefined || given.length > 1)
    refuse(place, `expected one of ${sources.join(', ')}, got ${given.length}`);
  const { mediaType, name } = part;
  if (source === 'base64' && mediaType === undefined) refuse(`${place}.mediaType`, 'expected a string, got nothing');
  return {
    [source]: checkString(part[source], `${place}.${source}`),
    ...(mediaType !== undefined && { mediaType: checkString(mediaType, `${place}.mediaType`) }),
    ...(name !== undefined && { name: checkString(name, `${place}.name`) }),
    ...readCache(part['cache'], place),
  };
}

function readReasoning({ text: words, signature }: JsonObject, place: string): ContentBlock {
  const field = `${place}.signature`;
  const proof = signature === undefined ? undefined : checkObject(signature, field);
  if (proof !== undefined) checkKeys(proof, ['value', 'format', 'encrypted'], field);
  const { value, format, encrypted } = proof ?? {};
  const isRedacted = words === undefined && encrypted === true;
  return {
    kind: isRedacted ? 'reasoning_redacted' : 'reasoning',
    ...(words !== undefined && { text: checkString(words, `${place}.text`) }),
    ...(proof !== undefined && {
      signature: {
        value: checkString(value, `${field}.value`),
        ...(format !== undefined && { format: checkString(format, `${field}.format`) }),
        ...(encrypted !== undefined && { encrypted: checkBoolean(encrypted, `${field}.encrypted`) }),
      },
    }),
  };
}
