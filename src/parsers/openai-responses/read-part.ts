import { checkObject, checkString, refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { readDataUri } from '../../kernel/dialects/media.ts';
import { openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import type { ContentBlock } from '../../kernel/request.ts';

/** `input_audio.format` whose media type has another name. */
const audioTypes: ReadonlyMap<string, string> = new Map([['mp3', 'audio/mpeg']]);

/** One part of the content of a message or of the output of a tool. A part of a type that is not known here is kept whole. */
export function readPart(part: JsonObject, place: string): ContentBlock {
  const type = checkString(part['type'], `${place}.type`);
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
    case 'summary_text':
      return readText(part, place);
    case 'refusal':
      return { kind: 'refusal', text: checkString(part['refusal'], `${place}.refusal`), ...rest(part, 'refusal') };
    case 'input_image':
      return readImage(part, place);
    case 'input_file':
      return readFile(part, place);
    case 'input_audio':
      return readAudio(part, checkObject(part['input_audio'], `${place}.input_audio`), place);
    default:
      return { kind: 'unknown', initial: part, place };
  }
}

function readText(part: JsonObject, place: string): ContentBlock {
  const { annotations } = part;
  const marks = Array.isArray(annotations) && annotations.length > 0 ? (annotations as unknown[]) : undefined;
  return {
    kind: 'text',
    text: checkString(part['text'], `${place}.text`),
    ...(marks !== undefined && { annotations: marks }),
    ...rest(part, 'text', ...(marks === undefined ? [] : ['annotations'])),
  };
}

function readImage(part: JsonObject, place: string): ContentBlock {
  const url = optionalText(part, 'image_url', place);
  const fileId = optionalText(part, 'file_id', place);
  if (url === undefined && fileId === undefined) refuse(place, 'an image needs image_url or file_id');
  return {
    kind: 'image',
    ...(url !== undefined && (readDataUri(url) ?? { url })),
    ...(fileId !== undefined && { fileId }),
    place,
    ...rest(part, ...said(part, 'image_url', 'file_id')),
  };
}

function readFile(part: JsonObject, place: string): ContentBlock {
  const data = optionalText(part, 'file_data', place);
  const url = optionalText(part, 'file_url', place);
  const fileId = optionalText(part, 'file_id', place);
  const name = optionalText(part, 'filename', place);
  if (data === undefined && url === undefined && fileId === undefined)
    refuse(place, 'a file needs file_data, file_url or file_id');
  return {
    kind: 'file',
    ...(name !== undefined && { name }),
    ...(data !== undefined && (readDataUri(data) ?? { base64: data })),
    ...(url !== undefined && { url }),
    ...(fileId !== undefined && { fileId }),
    place,
    ...rest(part, ...said(part, 'file_data', 'file_url', 'file_id', 'filename')),
  };
}

function readAudio(part: JsonObject, audio: JsonObject, place: string): ContentBlock {
  const format = checkString(audio['format'], `${place}.input_audio.format`);
  const further = otherFields(audio, new Set(['data', 'format']));
  return {
    kind: 'audio',
    mediaType: audioTypes.get(format) ?? `audio/${format}`,
    base64: checkString(audio['data'], `${place}.input_audio.data`),
    place,
    ...rest({ ...part, ...(further && { input_audio: further }) }, ...(further === undefined ? ['input_audio'] : [])),
  };
}

/** A field that may be null or absent, else is a string. */
function optionalText(part: JsonObject, name: string, place: string): string | undefined {
  const value = part[name];
  return value === undefined || value === null ? undefined : checkString(value, `${place}.${name}`);
}

/** The fields that say something; null stays where it was. */
function said(part: JsonObject, ...names: readonly string[]): readonly string[] {
  return names.filter((name) => part[name] !== null);
}

/** What a part says beside `known`, its type among it, and the mark that the prompt may be cached up to here. */
function rest(part: JsonObject, ...known: readonly string[]): Pick<ContentBlock, 'cache' | 'ext'> {
  return {
    ...(isObject(part['prompt_cache_breakpoint']) && { cache: {} }),
    ext: { [openaiResponses]: { part: otherFields(part, new Set(known)) ?? {} } },
  };
}
