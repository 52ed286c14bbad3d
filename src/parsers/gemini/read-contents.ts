import { checkObject, checkString, checkWord, refuse } from '../../kernel/dialects/field-check.ts';
import { gemini, readToolResponse } from '../../kernel/dialects/gemini-fields.ts';
import { furtherFields, member, repeated, type Member } from '../../kernel/dialects/gemini-spelling.ts';
import { isObject, orNothing, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import { CallIds } from './call-ids.ts';
import { extended, givenId, extensionOfPart, openPart, readPart, type Part } from './read-part.ts';

const roles = ['user', 'model', 'function'] as const;
const contentFields: ReadonlySet<string> = new Set(['role', 'parts']);

/** One entry of `contents`, with its parts opened. */
interface Content {
  readonly role: (typeof roles)[number];
  readonly parts: readonly Part[];
  readonly further: JsonObject;
}

/** `systemInstruction`: a content, whose role says nothing, or a string. */
export function readSystem(instruction: Member): readonly Message[] {
  const { value, field } = instruction;
  if (value === undefined) return [];
  if (typeof value === 'string') return [{ role: 'system', content: [{ kind: 'text', text: value }] }];
  const content = checkObject(value, field);
  const role = member(content, 'role', field);
  const parts = member(content, 'parts', field);
  const blocks = repeated(parts).map((item, index): ContentBlock => {
    const part = openPart(item, `${parts.field}[${index}]`);
    if (part.kind !== 'text') refuse(part.place, 'a system instruction is made of text');
    return {
      kind: 'text',
      text: checkString(part.data.value, part.data.field),
      ...extended(extensionOfPart(part, false)),
    };
  });
  if (blocks.length === 0) return [];
  const further = {
    ...furtherFields(content, contentFields),
    ...(role.value !== undefined && { role: checkString(role.value, role.field) }),
  };
  return [{ role: 'system', content: blocks, ...extended(further) }];
}

/** The conversation. Throws REQUEST_INVALID with the path of the part. */
export function readContents(contents: Member): readonly Message[] {
  const opened = repeated(contents).map((item, index) => openContent(item, `${contents.field}[${index}]`));
  if (opened.length === 0) refuse(contents.field, 'expected at least one content');
  const calls = new CallIds(idsOf(opened));
  const messages: Message[] = [];
  let pieces: Content[] = [];
  for (const [index, content] of opened.entries()) {
    if (content.role !== 'model') {
      messages.push(...readUserTurn(content, index, calls));
      continue;
    }
    pieces.push(content);
    if (isContinued(content, opened[index + 1])) continue;
    messages.push(readModelTurn(pieces, index + 1 - pieces.length, calls));
    pieces = [];
  }
  return messages;
}

function openContent(value: unknown, place: string): Content {
  if (typeof value === 'string') refuse(place, 'expected an object with parts, got a string');
  const content = checkObject(value, place);
  const role = member(content, 'role', place);
  const parts = member(content, 'parts', place);
  const opened = repeated(parts).map((item, index) => openPart(item, `${parts.field}[${index}]`));
  if (opened.length === 0) refuse(parts.field, 'expected at least one part');
  return {
    role: role.value === undefined || role.value === '' ? 'user' : checkWord(role.value, roles, role.field),
    parts: opened,
    further: furtherFields(content, contentFields) ?? {},
  };
}

/** The ids that the client gave to calls, so that none of them is given to a call without one. */
function idsOf(contents: readonly Content[]): ReadonlySet<string> {
  const ids = contents.flatMap(({ parts }) =>
    parts.map(({ kind, data }) =>
      kind === 'functionCall' && isObject(data.value) ? givenId(data.value, data.field) : undefined,
    ),
  );
  return new Set(ids.filter((id) => id !== undefined));
}

/** A turn of the user as messages: the results of functions are one each, what stands between them is one of the user. */
function readUserTurn(content: Content, index: number, calls: CallIds): readonly Message[] {
  const marks = {
    ...content.further,
    contents: index,
    ...(content.role === 'function' && { role: content.role }),
  };
  const messages: Message[] = [];
  let blocks: ContentBlock[] = [];
  const endMessage = (): void => {
    if (blocks.length > 0) messages.push({ role: 'user', content: blocks, ...extended(marks) });
    blocks = [];
  };
  for (const part of content.parts) {
    if (part.kind === 'functionCall') refuse(part.place, 'a function is called by the model');
    if (part.kind === 'functionResponse') {
      endMessage();
      messages.push(readResult(part, marks, calls));
    } else {
      blocks.push(...readPart(part, calls));
    }
  }
  endMessage();
  return messages;
}

const resultFields: ReadonlySet<string> = new Set(['id', 'name', 'response', 'parts']);

function readResult(part: Part, marks: JsonObject, calls: CallIds): Message {
  const { value, field } = part.data;
  const result = checkObject(value, field);
  const name = member(result, 'name', field);
  const response = member(result, 'response', field);
  const media = member(result, 'parts', field);
  const tool = name.value === undefined ? undefined : checkString(name.value, name.field);
  const given = givenId(result, field);
  const call = calls.answer(tool, given);
  if (call === undefined) {
    const asked = given === undefined ? `of "${(tool ?? '').slice(0, 64)}"` : `with the id "${given.slice(0, 64)}"`;
    refuse(field, `there is no call ${asked} before it that waits for a result`);
  }
  const { text, isError } = readToolResponse(
    response.value === undefined ? {} : checkObject(response.value, response.field),
  );
  const further = {
    ...(given !== undefined && { id: given }),
    ...(tool !== undefined && tool !== call.name && { name: tool }),
    ...furtherFields(result, resultFields),
  };
  return {
    role: 'tool',
    callId: call.callId,
    ...(isError && { isError }),
    content: [
      { kind: 'text', text },
      ...repeated(media).flatMap((item, index) => readMedia(item, `${media.field}[${index}]`, calls)),
    ],
    place: part.place,
    ...extended({
      ...extensionOfPart(part, false),
      ...marks,
      ...(orNothing(further) && { functionResponse: further }),
    }),
  };
}

function readMedia(value: unknown, place: string, calls: CallIds): readonly ContentBlock[] {
  const part = openPart(value, place);
  if (part.kind !== 'inlineData' && part.kind !== 'fileData') refuse(place, 'expected inlineData or fileData');
  return readPart(part, calls);
}

/**
 * Clients keep each chunk of a streamed answer as a content of its own. The contents of one answer are one message again,
 * and the pieces of a text one text: a word that was cut is found, and other providers get no message per piece.
 */
function isContinued(content: Content, next: Content | undefined): boolean {
  return next?.role === 'model' && sameJson(content.further, next.further);
}

function readModelTurn(pieces: readonly Content[], index: number, calls: CallIds): Message {
  const blocks: ContentBlock[] = [];
  for (const { parts } of pieces) {
    for (const [position, block] of parts.flatMap((part) => readModelPart(part, calls)).entries()) {
      const last = blocks.at(-1);
      const joined = joinProof(last, block) ?? (position === 0 ? joinTexts(blocks.at(-2), last, block) : undefined);
      if (joined === undefined) blocks.push(block);
      else blocks.splice(-1, 1, joined);
    }
  }
  const content = pieces.length === 1 ? blocks : blocks.filter((block, at) => !isEmptyText(blocks[at - 1], block));
  // A signature that comes last stands on an empty text, which says nothing else.
  const last = content.at(-1);
  if (isProof(content.at(-2)) && last !== undefined && isPlainText(last) && last.text === '') content.pop();
  return {
    role: 'assistant',
    content: content.length > 0 ? content : blocks.slice(0, 1),
    ...extended({ ...pieces[0]?.further, contents: index }),
  };
}

function readModelPart(part: Part, calls: CallIds): readonly ContentBlock[] {
  if (part.kind === 'functionResponse') refuse(part.place, 'the result of a function is said by the user');
  return readPart(part, calls);
}

/** Two pieces of one text. A signature belongs to the part that it stands on, so that part is not continued. */
function joinTexts(
  before: ContentBlock | undefined,
  left: ContentBlock | undefined,
  right: ContentBlock,
): ContentBlock | undefined {
  if (left === undefined || left.kind !== right.kind || !isPlainText(left) || !isPlainText(right)) return undefined;
  return isProof(before) ? undefined : { ...left, text: (left.text ?? '') + (right.text ?? '') };
}

/** The signature of another provider that came behind the thought that it proves: in a stream it is known last. */
function joinProof(left: ContentBlock | undefined, right: ContentBlock): ContentBlock | undefined {
  const { kind, text, signature } = right;
  if (kind !== 'reasoning' || text !== undefined || signature === undefined || signature.format === gemini)
    return undefined;
  if (left?.kind !== 'reasoning' || !isPlainText(left) || isProof(right)) return undefined;
  return { ...left, signature };
}

function isEmptyText(before: ContentBlock | undefined, block: ContentBlock): boolean {
  return isPlainText(block) && block.text === '' && !isProof(before);
}

function isPlainText({ kind, signature, ext, text }: ContentBlock): boolean {
  const isText = kind === 'text' || kind === 'reasoning';
  return isText && text !== undefined && signature === undefined && ext === undefined;
}

/** A signature that belongs to the block behind it. */
function isProof(block: ContentBlock | undefined): boolean {
  return block?.kind === 'reasoning' && block.text === undefined && block.ext === undefined;
}
