import { fromLatin1, unescapeJson } from '../../kernel/json/json-text.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';

export type PartType = 'output_text' | 'refusal' | 'summary_text' | 'reasoning_text';

interface PartForm {
  /** Events of its text: with `.delta` and `.done`. */
  readonly text: string;
  /** Events of the part itself: with `.added` and `.done`. */
  readonly part: string;
  readonly indexField: 'content_index' | 'summary_index';
  /** The field of the part that holds the text; `.done` has it, too. */
  readonly textField: 'text' | 'refusal';
}

export const partForms: Readonly<Record<PartType, PartForm>> = {
  output_text: {
    text: 'response.output_text',
    part: 'response.content_part',
    indexField: 'content_index',
    textField: 'text',
  },
  refusal: {
    text: 'response.refusal',
    part: 'response.content_part',
    indexField: 'content_index',
    textField: 'refusal',
  },
  summary_text: {
    text: 'response.reasoning_summary_text',
    part: 'response.reasoning_summary_part',
    indexField: 'summary_index',
    textField: 'text',
  },
  reasoning_text: {
    text: 'response.reasoning_text',
    part: 'response.content_part',
    indexField: 'content_index',
    textField: 'text',
  },
};

/** Events, and field of the item, of what a call is given. */
interface InputForm {
  readonly events: string;
  readonly field: 'arguments' | 'input' | 'code';
}

const inputForms: ReadonlyMap<unknown, InputForm> = new Map([
  ['function_call', { events: 'response.function_call_arguments', field: 'arguments' }],
  ['custom_tool_call', { events: 'response.custom_tool_call_input', field: 'input' }],
  ['mcp_call', { events: 'response.mcp_call_arguments', field: 'arguments' }],
  ['code_interpreter_call', { events: 'response.code_interpreter_call_code', field: 'code' }],
]);

/** Text that is written piece by piece, with the frame around a piece, made when it is first needed. */
export interface Growing {
  /** All pieces so far, as they stand in the frames: JSON-escaped, latin1 of UTF-8. */
  json: string;
  frame: { readonly before: string; readonly address: string } | undefined;
}

/** One part of the content or of the summary of an item. */
export interface OutputPart extends Growing {
  readonly type: PartType;
  /** Its `content_index` or `summary_index`, known when it is announced. */
  index: number;
  /** Further fields of a provider of this format. */
  readonly further: JsonObject;
  readonly annotations: unknown[];
  readonly logprobs: unknown[];
  added: boolean;
}

/** One item of the output, from `output_item.added` to `output_item.done`. */
export interface OutputItem {
  readonly id: string;
  /** Its `output_index`. */
  readonly index: number;
  readonly type: 'message' | 'reasoning' | 'function_call' | 'custom_tool_call' | 'whole';
  /** Where a provider of this format had it. */
  readonly nativeId: string | undefined;
  readonly nativeIndex: number | undefined;
  /** Further fields of a provider of this format; of a whole item all fields. */
  further: JsonObject;
  readonly name: string;
  readonly callId: string;
  readonly parts: OutputPart[];
  /** How many parts count in each index. */
  readonly partCounts: Record<PartForm['indexField'], number>;
  readonly input: Growing;
  /** `encrypted_content`, as the client carries it. */
  signature: string | undefined;
  openBlocks: number;
  incomplete: boolean;
  done: boolean;
}

/** Fields that are never taken from a provider's item: they are written from what has left. */
const ownFields = [
  'id',
  'type',
  'status',
  'role',
  'content',
  'summary',
  'encrypted_content',
  'call_id',
  'name',
  'arguments',
  'input',
];

/** What a provider of this format said in an item beside the fields that are written here. */
export function furtherOfItem(item: JsonObject): JsonObject {
  return without(item, ownFields);
}

/** The same for a part. */
export function furtherOfPart(part: JsonObject): JsonObject {
  return without(part, ['type', 'text', 'refusal', 'annotations', 'logprobs']);
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

export function grownText({ json }: Growing): string {
  return unescapeJson(fromLatin1(json));
}

/** The events of the arguments of an item, or undefined where it has none that are written in pieces. */
export function inputFormOf(item: OutputItem): InputForm | undefined {
  return inputForms.get(item.type === 'whole' ? item.further['type'] : item.type);
}

/** The item as it is so far: in `output_item.added`, `output_item.done` and the response. */
export function writeItem(item: OutputItem, status: 'in_progress' | 'completed' | 'incomplete'): JsonObject {
  const { id, type, further, name, callId } = item;
  switch (type) {
    case 'message':
      return { ...further, id, type, status, role: 'assistant', content: item.parts.map((part) => writePart(part)) };
    case 'reasoning': {
      const content = item.parts.filter((part) => part.type === 'reasoning_text');
      return {
        ...further,
        id,
        type,
        summary: item.parts.filter((part) => part.type === 'summary_text').map((part) => writePart(part)),
        ...(content.length > 0 && { content: content.map((part) => writePart(part)) }),
        ...(item.signature !== undefined && { encrypted_content: item.signature }),
        ...(status === 'incomplete' && { status }),
      };
    }
    case 'whole':
      return writeWhole(item, status);
    default: {
      const field = type === 'function_call' ? 'arguments' : 'input';
      return { ...further, id, type, status, call_id: callId, name, [field]: grownText(item.input) };
    }
  }
}

/** True for the status of the beginning at the end, where a provider said no other. */
function isStale(before: unknown, status: string): boolean {
  return before !== undefined && (status === 'incomplete' || (status === 'completed' && before === 'in_progress'));
}

/** What was written piece by piece is the truth about it, whatever the provider repeats at the end. */
function writeWhole(item: OutputItem, status: string): JsonObject {
  const form = inputFormOf(item);
  return {
    ...item.further,
    id: item.id,
    ...(isStale(item.further['status'], status) && { status }),
    ...(form !== undefined && item.input.json !== '' && { [form.field]: grownText(item.input) }),
  };
}

export function writePart(part: OutputPart): JsonObject {
  const { type, further, annotations, logprobs } = part;
  return {
    ...further,
    type,
    ...(type === 'output_text' && { annotations: [...annotations], logprobs: [...logprobs] }),
    [partForms[type].textField]: grownText(part),
  };
}
