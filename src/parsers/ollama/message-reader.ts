import { checkList, checkObject, checkString, checkWord, refuse } from '../../kernel/dialects/field-check.ts';
import { filledString, isPresent, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { imageTypeOf, ollama } from '../../kernel/dialects/ollama-fields.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';

const messageRoles = ['system', 'user', 'assistant', 'tool'] as const;
const readFields: ReadonlySet<string> = new Set([
  'role',
  'content',
  'thinking',
  'images',
  'tool_calls',
  'tool_name',
  'tool_call_id',
]);
const callFields = new Set(['id', 'function']);
const functionFields = new Set(['name', 'arguments']);

interface Call {
  readonly callId: string;
  readonly name: string;
  answered: boolean;
}

/** Calls in their order, and which of them is the first that may still wait. */
interface Queue {
  readonly calls: Call[];
  next: number;
}

/**
 * Reads the entries of `messages` in their order. The format came without ids for calls, and many clients send none: such
 * a call gets one here, and the result that names its tool, or names nothing, is the result of the first call that waits.
 */
export class MessageReader {
  readonly #calls: Queue = { calls: [], next: 0 };
  readonly #byId = new Map<string, Queue>();
  readonly #byName = new Map<string, Queue>();

  /** Throws REQUEST_INVALID with the path of the field that is wrong. */
  read(message: JsonObject, place: string): Message {
    const role = checkWord(lowerCase(message['role']), messageRoles, `${place}.role`);
    const { content, thinking, images, tool_calls: calls } = message;
    const result = role === 'tool' ? this.#readResult(message, place) : undefined;
    const extension = {
      ...otherFields(message, readFields),
      ...(result?.isNamed === false && { tool_call_id: null }),
    };
    return {
      role,
      ...(result !== undefined && { callId: result.callId, place }),
      ...(result?.toolName !== undefined && { name: result.toolName }),
      content: [
        ...readText('reasoning', thinking, `${place}.thinking`),
        ...readText('text', content, `${place}.content`),
        ...(isPresent(images)
          ? checkList(images, `${place}.images`).map((image, index) => readImage(image, `${place}.images[${index}]`))
          : []),
        ...(isPresent(calls)
          ? checkList(calls, `${place}.tool_calls`).map((call, index) =>
              this.#readCall(checkObject(call, `${place}.tool_calls[${index}]`), `${place}.tool_calls[${index}]`),
            )
          : []),
      ],
      ...(orNothing(extension) && { ext: { [ollama]: extension } }),
    };
  }

  #readCall(call: JsonObject, place: string): ContentBlock {
    const inner = checkObject(call['function'], `${place}.function`);
    const name = checkString(inner['name'], `${place}.function.name`);
    const json = inner['arguments'] ?? {};
    const id = isPresent(call['id']) ? filledString(checkString(call['id'], `${place}.id`)) : undefined;
    const callId = id ?? this.#freeId();
    const entry = { callId, name, answered: false };
    for (const queue of [this.#calls, queueOf(this.#byId, callId), queueOf(this.#byName, name)])
      queue.calls.push(entry);
    const unknownInner = otherFields(inner, functionFields);
    const unknown = {
      ...otherFields(call, callFields),
      ...(id === undefined && { id: null }),
      ...(unknownInner && { function: unknownInner }),
    };
    return {
      kind: 'tool_call',
      name,
      callId,
      arguments: JSON.stringify(checkObject(json, `${place}.function.arguments`)),
      ...(orNothing(unknown) && { ext: { [ollama]: unknown } }),
    };
  }

  /** The call that a tool message answers, and how the client named it. */
  #readResult(
    message: JsonObject,
    place: string,
  ): { readonly callId: string; readonly toolName: string | undefined; readonly isNamed: boolean } {
    const { tool_call_id: id, tool_name: tool } = message;
    const toolName = isPresent(tool) ? filledString(checkString(tool, `${place}.tool_name`)) : undefined;
    const callId = isPresent(id) ? filledString(checkString(id, `${place}.tool_call_id`)) : undefined;
    const field = callId === undefined ? `${place}.tool_name` : `${place}.tool_call_id`;
    const call = this.#findCall(callId, toolName);
    if (call === undefined) refuse(field, 'there is no call before it that this result could answer');
    call.answered = true;
    return { callId: call.callId, toolName, isNamed: callId !== undefined };
  }

  /** By its id, else by the name of its tool, else by its place. */
  #findCall(callId: string | undefined, toolName: string | undefined): Call | undefined {
    if (callId !== undefined) return firstWaiting(this.#byId.get(callId));
    return firstWaiting(toolName === undefined ? this.#calls : this.#byName.get(toolName));
  }

  #freeId(): string {
    let serial = this.#calls.calls.length;
    while (this.#byId.has(`call_${serial}`)) serial += 1;
    return `call_${serial}`;
  }
}

function queueOf(queues: Map<string, Queue>, key: string): Queue {
  const queue = queues.get(key) ?? { calls: [], next: 0 };
  queues.set(key, queue);
  return queue;
}

/** The first call without a result; where all have one, the last call may have another. */
function firstWaiting(queue: Queue | undefined): Call | undefined {
  if (queue === undefined) return undefined;
  while (queue.calls[queue.next]?.answered === true) queue.next += 1;
  return queue.calls[queue.next] ?? queue.calls.at(-1);
}

function readText(kind: 'text' | 'reasoning', value: unknown, field: string): readonly ContentBlock[] {
  if (!isPresent(value)) return [];
  const text = checkString(value, field);
  return text === '' ? [] : [{ kind, text }];
}

function readImage(value: unknown, place: string): ContentBlock {
  const base64 = checkString(value, place);
  if (base64 === '' || /^(?:data:|https?:)/i.test(base64)) refuse(place, 'expected the bytes of an image in base64');
  const mediaType = imageTypeOf(base64);
  return { kind: 'image', base64, ...(mediaType !== undefined && { mediaType }), place };
}

/** Clients may write roles in any case. */
function lowerCase(role: unknown): unknown {
  return typeof role === 'string' ? role.toLowerCase() : role;
}
