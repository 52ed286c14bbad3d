import { checkObject, checkString } from '../../kernel/dialects/field-check.ts';
import { isObject, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { readDataUri } from '../../kernel/dialects/media.ts';
import type { ContentBlock } from '../../kernel/request.ts';

const mediaTypes: ReadonlyMap<string, string> = new Map([['mp3', 'audio/mpeg']]);

const textFields = new Set(['type', 'text']);
const refusalFields = new Set(['type', 'refusal']);

/** One part of the content of a message. A part of a type that is not known here is kept whole. */
export function readPart(part: JsonObject, place: string): ContentBlock {
  const type = checkString(part['type'], `${place}.type`);
  switch (type) {
    case 'text':
      return {
        kind: 'text',
        text: checkString(part['text'], `${place}.text`),
        ...cacheOf(part),
        ...extended(otherFields(part, textFields)),
      };
    case 'refusal':
      return {
        kind: 'refusal',
        text: checkString(part['refusal'], `${place}.refusal`),
        ...extended(otherFields(part, refusalFields)),
      };
    case 'image_url':
      return readImage(part, checkObject(part['image_url'], `${place}.image_url`), place);
    case 'input_audio':
      return readAudio(part, checkObject(part['input_audio'], `${place}.input_audio`), place);
    case 'file':
      return readFile(part, checkObject(part['file'], `${place}.file`), place);
    default:
      return { kind: 'unknown', initial: part, place };
  }
}

function readImage(part: JsonObject, image: JsonObject, place: string): ContentBlock {
  const url = checkString(image['url'], `${place}.image_url.url`);
  return {
    kind: 'image',
    ...(readDataUri(url) ?? { url }),
    place,
    ...cacheOf(part),
    ...innerExtension(part, 'image_url', image, ['url']),
  };
}

function readAudio(part: JsonObject, audio: JsonObject, place: string): ContentBlock {
  const format = checkString(audio['format'], `${place}.input_audio.format`);
  return {
    kind: 'audio',
    mediaType: mediaTypes.get(format) ?? `audio/${format}`,
    base64: checkString(audio['data'], `${place}.input_audio.data`),
    place,
    ...innerExtension(part, 'input_audio', audio, ['data', 'format']),
  };
}

function readFile(part: JsonObject, file: JsonObject, place: string): ContentBlock {
  const { file_data: data, file_id: id, filename } = file;
  if (data === undefined && id === undefined) return { kind: 'unknown', initial: part, place };
  const text = data === undefined ? undefined : checkString(data, `${place}.file.file_data`);
  return {
    kind: 'file',
    ...(text !== undefined && (readDataUri(text) ?? { base64: text })),
    ...(id !== undefined && { fileId: checkString(id, `${place}.file.file_id`) }),
    ...(typeof filename === 'string' && { name: filename }),
    place,
    ...cacheOf(part),
    ...innerExtension(part, 'file', file, ['file_data', 'file_id']),
  };
}

/** The mark of gateways (`cache_control`) and of OpenAI (`prompt_cache_breakpoint`); the same dialect writes its field again. */
export function cacheOf(part: JsonObject): Pick<ContentBlock, 'cache'> {
  const mark = part['cache_control'] ?? part['prompt_cache_breakpoint'];
  if (!isObject(mark)) return mark === true ? { cache: {} } : {};
  return { cache: typeof mark['ttl'] === 'string' ? { ttl: mark['ttl'] } : {} };
}

function innerExtension(
  part: JsonObject,
  name: string,
  inner: JsonObject,
  known: readonly string[],
): Pick<ContentBlock, 'ext'> {
  const unknownInner = otherFields(inner, new Set(known));
  return extended({ ...otherFields(part, new Set(['type', name])), ...(unknownInner && { [name]: unknownInner }) });
}

function extended(fields: JsonObject | undefined): Pick<ContentBlock, 'ext'> {
  return fields === undefined || orNothing(fields) === undefined ? {} : { ext: { [openaiChat]: fields } };
}
