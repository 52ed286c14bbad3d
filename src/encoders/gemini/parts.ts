import type { EncodeContext } from '../../kernel/component.ts';
import type { EventOfType } from '../../kernel/event.ts';
import { extensionOf, gemini } from '../../kernel/dialects/gemini-fields.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { readDataUri } from '../../kernel/dialects/media.ts';
import { wrapSignature } from '../../kernel/dialects/signature-envelope.ts';
import { objectOfArguments } from '../../kernel/dialects/tool-arguments.ts';

type Start = EventOfType<'block.start'>;
type Media = EventOfType<'media.delta'>;

/** What a part needs to know of its answer. */
export interface PartContext {
  readonly run: EncodeContext['run'];
  /** The provider speaks this format too. */
  readonly isOwn: boolean;
}

/** What was said beside the known fields, by the level at which it stood. */
export interface Levels {
  readonly chunk: JsonObject;
  readonly candidate: JsonObject;
  readonly content: JsonObject;
  readonly part: JsonObject;
}

/** Takes the extension of an event apart. */
export function levelsOf(event: Parameters<typeof extensionOf>[0]): Levels | undefined {
  const extension = extensionOf(event);
  if (extension === undefined) return undefined;
  const { candidates, ...chunk } = extension;
  const { content, ...candidate } = isObject(candidates) ? candidates : {};
  const { parts, ...ofContent } = isObject(content) ? content : {};
  return { chunk, candidate, content: ofContent, part: isObject(parts) ? parts : {} };
}

/** How a block is written: piece by piece, whole at its end, whole from `initial`, as a proof, or not at all. */
export type BlockForm = 'text' | 'thought' | 'call' | 'media' | 'whole' | 'proof' | 'none';

export function formOf({ kind, initial }: Start, isOwn: boolean): BlockForm {
  switch (kind) {
    case 'text':
    case 'refusal':
      return 'text';
    case 'reasoning':
    case 'reasoning_summary':
      return 'thought';
    case 'reasoning_redacted':
      return 'proof';
    case 'tool_call':
    case 'custom_tool_call':
      return 'call';
    case 'image':
    case 'audio':
    case 'file':
      return 'media';
    default:
      return isOwn && isObject(initial) ? 'whole' : 'none';
  }
}

/** A part of text. The text comes first, so that the frame around it has one shape. */
export function textPart(text: string, isThought: boolean, further: JsonObject = {}): JsonObject {
  return { text, ...(isThought && { thought: true }), ...further };
}

/** A call, whole, as the format has it. Arguments that are no JSON object stand under `_raw`, as the model wrote them. */
export function callPart(start: Start, json: string, fallbackId: string, { run, isOwn }: PartContext): JsonObject {
  const { functionCall, ...further } = levelsOf(start)?.part ?? {};
  const inner = isObject(functionCall) ? functionCall : {};
  const args = start.kind === 'custom_tool_call' ? undefined : objectOfArguments(json);
  if (args === undefined) run.lose('answer.tool_arguments');
  // Gemini itself may give none.
  const id = start.callId ?? (isOwn ? undefined : fallbackId);
  return {
    functionCall: {
      ...inner,
      ...(id !== undefined && { id }),
      name: start.name ?? '',
      args: args ?? (start.kind === 'custom_tool_call' ? { input: json } : { _raw: json }),
    },
    ...further,
  };
}

/** The arguments of a call: what came in pieces, or what its dialect said at the end. */
export function argumentsOf(json: string, final: unknown): string {
  if (json !== '' || final === undefined) return json;
  return typeof final === 'string' ? final : JSON.stringify(final);
}

/** An image, an audio or a file; undefined, and named as lost, for one that only its provider can read. */
export function mediaPart(start: Start, pieces: readonly Media[], { run, isOwn }: PartContext): JsonObject | undefined {
  const whole = pieces.filter(({ partialImageIndex }) => partialImageIndex === undefined);
  const last = (name: 'mediaType' | 'url' | 'fileId'): string | undefined =>
    whole.findLast((piece) => piece[name] !== undefined)?.[name];
  const url = last('url');
  const uri = url ?? (isOwn ? last('fileId') : undefined);
  const inline = url === undefined ? undefined : readDataUri(url);
  const base64 = inline?.base64 ?? joinBase64(whole.flatMap((piece) => piece.base64 ?? []));
  const mimeType = inline?.mediaType ?? last('mediaType') ?? start.mediaType;
  const named = start.name !== undefined && { displayName: start.name };
  const { inlineData, fileData, ...further } = levelsOf(start)?.part ?? {};
  if (base64 !== '') {
    const type = mimeType ?? (start.kind === 'image' ? 'image/png' : 'application/octet-stream');
    return { inlineData: { ...asObject(inlineData), ...named, mimeType: type, data: base64 }, ...further };
  }
  if (uri !== undefined) {
    const typed = mimeType !== undefined && { mimeType };
    return { fileData: { ...asObject(fileData), ...named, ...typed, fileUri: uri }, ...further };
  }
  run.lose('answer.media');
  return undefined;
}

/** Pieces of one text in base64, or pieces that were each encoded by themselves: those end with padding. */
function joinBase64(pieces: readonly string[]): string {
  if (!pieces.slice(0, -1).some((piece) => piece.endsWith('='))) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64');
}

/** The signature as the client carries it. */
export function writeSignature({ value, format, encrypted }: EventOfType<'reasoning.signature'>): string {
  return wrapSignature(
    { value, ...(format !== undefined && { format }), ...(encrypted !== undefined && { encrypted }) },
    gemini,
  );
}

/** True for a signature of Gemini that stood on a thought without text, and so belongs to no other part. */
export function standsAlone(start: Start): boolean {
  const part = level(level(level(extensionOf(start), 'candidates'), 'content'), 'parts');
  return start.kind === 'reasoning_redacted' || part?.['thought'] === true;
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
