import * as fc from 'fast-check';
import { blockKinds, roles } from '../../src/kernel/event.ts';
import type { ChatRequest, ContentBlock, Message, ToolDefinition } from '../../src/kernel/request.ts';

/*
 * Requests of every form that ChatRequest allows, for property tests. Absent fields are absent, never undefined; what
 * has no form as events (an empty list of annotations) is not made.
 */

const text = fc.string({ unit: 'binary', maxLength: 20 });
const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'type', 'content', 'messages', 'blockId', 'role'),
);
/** As JSON.parse gives it: own keys only, and `-0` is what it never gives. */
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const record = fc.dictionary(name, json, { maxKeys: 3, noNullPrototype: true });
const extensions = fc.dictionary(fc.constantFrom('openai-chat', 'anthropic-messages', 'native'), record, {
  maxKeys: 2,
  noNullPrototype: true,
});

const block: fc.Arbitrary<ContentBlock> = fc.record(
  {
    kind: fc.constantFrom(...blockKinds),
    text,
    name,
    callId: text,
    arguments: fc.json({ maxDepth: 2 }),
    mediaType: fc.constantFrom('image/png', 'audio/wav'),
    base64: fc.base64String({ maxLength: 16 }),
    url: fc.webUrl(),
    fileId: text,
    annotations: fc.array(json, { minLength: 1, maxLength: 2 }),
    signature: fc.record(
      { value: text, format: text, encrypted: fc.boolean() },
      { requiredKeys: ['value'], noNullPrototype: true },
    ),
    initial: json,
    ext: extensions,
  },
  { requiredKeys: ['kind'], noNullPrototype: true },
);

const message: fc.Arbitrary<Message> = fc.record(
  {
    role: fc.constantFrom(...roles),
    name: text,
    callId: text,
    content: fc.array(block, { maxLength: 4 }),
    ext: extensions,
  },
  { requiredKeys: ['role', 'content'], noNullPrototype: true },
);

const tool: fc.Arbitrary<ToolDefinition> = fc.record(
  { name, description: text, parameters: json, strict: fc.boolean(), ext: extensions },
  { requiredKeys: ['name'], noNullPrototype: true },
);

const settings: fc.Arbitrary<ChatRequest['settings']> = fc.record(
  {
    maxOutputTokens: fc.nat(),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    stop: fc.array(text, { maxLength: 2 }),
    responseFormat: fc.constant({ type: 'json' } as const),
    toolChoice: fc.constantFrom('auto' as const, { name: 'search' }),
    includeUsage: fc.boolean(),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** Any request. */
export const chatRequests: fc.Arbitrary<ChatRequest> = fc.record(
  {
    dialect: fc.constantFrom('native', 'openai-chat', 'anthropic-messages'),
    model: text,
    stream: fc.boolean(),
    settings,
    tools: fc.array(tool, { maxLength: 2 }),
    messages: fc.array(message, { maxLength: 4 }),
    metadata: record,
    params: record,
    ext: extensions,
  },
  { requiredKeys: ['dialect', 'stream', 'settings', 'tools', 'messages', 'metadata', 'params'], noNullPrototype: true },
);
