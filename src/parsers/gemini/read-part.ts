import { checkBoolean, checkObject, checkString, refuse } from '../../kernel/dialects/field-check.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { furtherFields, member, type Member } from '../../kernel/dialects/gemini-spelling.ts';
import { isObject, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ContentBlock } from '../../kernel/request.ts';
import { unwrapSignature } from '../../kernel/dialects/signature-envelope.ts';
import type { CallIds } from './call-ids.ts';

/** What a part can be; it is exactly one of them. */
const dataFields = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
] as const;
type DataField = (typeof dataFields)[number];

const signatureFields: ReadonlySet<string> = new Set(['thoughtSignature', 'thought_signature']);

/** One entry of `parts`: its object, and what it is. */
export interface Part {
  readonly part: JsonObject;
  readonly place: string;
  /** Undefined for a part of a kind that is not known here, and for one that only has a signature. */
  readonly kind: DataField | undefined;
  readonly data: Member;
}

/** Finds out what a part is. Throws REQUEST_INVALID for none or several of the known kinds. */
export function openPart(value: unknown, place: string): Part {
  const part = checkObject(value, place);
  const present = dataFields
    .map((kind) => ({ kind, data: member(part, kind, place) }))
    .filter(({ data }) => data.value !== undefined);
  const [first, second] = present;
  if (first !== undefined && second !== undefined)
    refuse(place, `a part is one thing, got ${first.kind} and ${second.kind}`);
  if (first !== undefined) return { part, place, ...first };
  if (Object.keys(part).length === 0) refuse(place, `expected one of ${dataFields.join(', ')}`);
  return { part, place, kind: undefined, data: { value: undefined, field: place } };
}

/** The blocks of a part that is no result of a function: what it is, and before it the signature that stands on it. */
export function readPart(opened: Part, calls: CallIds): readonly ContentBlock[] {
  const { part, place, kind, data } = opened;
  const thought = member(part, 'thought', place);
  const isThought = thought.value !== undefined && checkBoolean(thought.value, thought.field);
  const mark = member(part, 'thoughtSignature', place);
  const signature = mark.value === undefined ? undefined : unwrapSignature(checkString(mark.value, mark.field), gemini);
  const proof: readonly ContentBlock[] = signature === undefined ? [] : [{ kind: 'reasoning', signature }];
  switch (kind) {
    case 'text':
      if (!isThought) return [...proof, readText(opened)];
      if (data.value === '' && signature !== undefined) return [readProof(opened, signature)];
      return [{ ...readText(opened), kind: 'reasoning', ...(signature && { signature }) }];
    case 'inlineData':
      return [...proof, readInline(opened, isThought)];
    case 'fileData':
      return [...proof, readFile(opened, isThought)];
    case 'functionCall':
      return [...proof, readCall(opened, isThought, calls)];
    case 'executableCode':
    case 'toolCall':
      return [...proof, { kind: 'server_tool_call', ...serverTool(kind, data), initial: withoutSignature(part) }];
    case 'codeExecutionResult':
    case 'toolResponse':
      return [...proof, { kind: 'server_tool_result', ...serverTool(kind, data), initial: withoutSignature(part) }];
    default:
      if (signature === undefined || furtherFields(part, new Set(['thought', 'thoughtSignature'])) !== undefined)
        return [...proof, { kind: 'unknown', initial: withoutSignature(part), place }];
      return [isThought ? readProof(opened, signature) : { kind: 'reasoning', signature }];
  }
}

/** The fields of a part beside what it is and its signature. `inner` are those of what it is. */
export function extensionOfPart({ part, kind }: Part, isThought: boolean, inner?: JsonObject): JsonObject {
  const known = new Set<string>(['thought', 'thoughtSignature', ...(kind === undefined ? [] : [kind])]);
  return {
    ...furtherFields(part, known),
    ...(isThought && { thought: true }),
    ...(inner !== undefined && kind !== undefined && { [kind]: inner }),
  };
}

/** A thought of which only the signature is there. The mark keeps that from being taken for the signature of the next part. */
function readProof(opened: Part, signature: NonNullable<ContentBlock['signature']>): ContentBlock {
  const kind = signature.encrypted === true ? 'reasoning_redacted' : 'reasoning';
  return { kind, signature, ...extended(extensionOfPart(opened, true)) };
}

function withoutSignature(part: JsonObject): JsonObject {
  return otherFields(part, signatureFields) ?? {};
}

function readText(opened: Part): ContentBlock {
  const text = checkString(opened.data.value, opened.data.field);
  return { kind: 'text', text, ...extended(extensionOfPart(opened, false)) };
}

function readInline(opened: Part, isThought: boolean): ContentBlock {
  const { value, field } = opened.data;
  const blob = checkObject(value, field);
  const mimeType = member(blob, 'mimeType', field);
  const bytes = member(blob, 'data', field);
  const mediaType = checkString(mimeType.value, mimeType.field);
  return {
    kind: kindOfMedia(mediaType),
    ...nameOf(blob, field),
    mediaType,
    base64: checkString(bytes.value, bytes.field),
    place: opened.place,
    ...extended(extensionOfPart(opened, isThought, furtherFields(blob, new Set(['mimeType', 'data', 'displayName'])))),
  };
}

function readFile(opened: Part, isThought: boolean): ContentBlock {
  const { value, field } = opened.data;
  const file = checkObject(value, field);
  const uri = member(file, 'fileUri', field);
  const mimeType = member(file, 'mimeType', field);
  const address = checkString(uri.value, uri.field);
  const mediaType = mimeType.value === undefined ? undefined : checkString(mimeType.value, mimeType.field);
  return {
    kind: mediaType === undefined ? 'file' : kindOfMedia(mediaType),
    ...nameOf(file, field),
    ...(mediaType !== undefined && { mediaType }),
    ...(isPublic(address) ? { url: address } : { fileId: address }),
    place: opened.place,
    ...extended(
      extensionOfPart(opened, isThought, furtherFields(file, new Set(['fileUri', 'mimeType', 'displayName']))),
    ),
  };
}

/** Files at Google, which no other provider can read, are named by addresses too. */
function isPublic(address: string): boolean {
  return /^https?:\/\//i.test(address) && !/^https?:\/\/[a-z0-9.-]*googleapis\.com\//i.test(address);
}

function nameOf(object: JsonObject, place: string): Pick<ContentBlock, 'name'> {
  const { value, field } = member(object, 'displayName', place);
  return value === undefined ? {} : { name: checkString(value, field) };
}

function kindOfMedia(mediaType: string): 'image' | 'audio' | 'file' {
  if (mediaType.startsWith('image/')) return 'image';
  return mediaType.startsWith('audio/') ? 'audio' : 'file';
}

const callFields: ReadonlySet<string> = new Set(['id', 'name', 'args']);

function readCall(opened: Part, isThought: boolean, calls: CallIds): ContentBlock {
  const { value, field } = opened.data;
  const call = checkObject(value, field);
  const name = member(call, 'name', field);
  const args = member(call, 'args', field);
  const given = givenId(call, field);
  const tool = checkString(name.value, name.field);
  const inner = { ...(given !== undefined && { id: given }), ...furtherFields(call, callFields) };
  return {
    kind: 'tool_call',
    name: tool,
    callId: calls.add(tool, given),
    arguments: args.value === undefined ? '{}' : JSON.stringify(checkObject(args.value, args.field)),
    ...extended(extensionOfPart(opened, isThought, orNothing(inner))),
  };
}

/** The id in a call or in a result, where the client gave one. */
export function givenId(object: JsonObject, place: string): string | undefined {
  const { value, field } = member(object, 'id', place);
  return value === undefined || value === '' ? undefined : checkString(value, field);
}

function serverTool(kind: DataField, { value }: Member): Pick<ContentBlock, 'name' | 'callId'> {
  const inner = isObject(value) ? value : {};
  const { id } = inner;
  const type = member(inner, 'toolType', '').value;
  return {
    ...(kind === 'executableCode' || kind === 'codeExecutionResult'
      ? { name: 'code_execution' }
      : typeof type === 'string' && { name: type }),
    ...(typeof id === 'string' && { callId: id }),
  };
}

export function extended(fields: JsonObject): Pick<ContentBlock, 'ext'> {
  return orNothing(fields) === undefined ? {} : { ext: { [gemini]: fields } };
}
