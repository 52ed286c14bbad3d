import Type, { type Static, type TProperties } from 'typebox';

/*
 * The one language inside Sluice: every dialect is parsed into these events and written from them. Blocks with ids
 * instead of flat deltas, because flat deltas lose order and boundaries. The invariants are asserted in event-order.ts.
 * Events are never changed after they were pushed; a step that wants another event makes a new one.
 */

const literal = Type.Literal;
const text = (description: string): ReturnType<typeof Type.String> => Type.String({ description });
const optional = Type.Optional;
const Extension = Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), {
  description:
    'Fields of a dialect that have no name here, by dialect: {"openai-chat": {"system_fingerprint": "fp_1"}}.',
});

const common = {
  choice: optional(Type.Integer({ minimum: 0, description: 'Which of several answers (n > 1); absent means 0.' })),
  source: optional(text('Who made the event: "upstream" when absent, "processor:NAME", "modifier:NAME" or "gateway".')),
  synthetic: optional(Type.Boolean({ description: 'True when the provider did not send it and Sluice added it.' })),
  ext: optional(Extension),
};

const describeEvent = <T extends string, P extends TProperties>(type: T, description: string, properties: P) =>
  Type.Object(
    { type: literal(type), ...common, ...properties },
    { title: type, description, additionalProperties: false },
  );

export const blockKinds = [
  'text',
  'reasoning',
  'reasoning_summary',
  'reasoning_redacted',
  'refusal',
  'tool_call',
  'custom_tool_call',
  'server_tool_call',
  'server_tool_result',
  'image',
  'audio',
  'file',
  'code',
  'compaction',
  'unknown',
] as const;
export const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
export const finishReasons = ['stop', 'length', 'tool_calls', 'content_filter', 'refusal', 'pause', 'error'] as const;

const BlockKind = Type.Enum([...blockKinds]);
const Role = Type.Enum([...roles]);
const BlockId = text('The block that the event belongs to; unique in the stream.');
const Count = optional(Type.Number({ minimum: 0 }));
const Cache = Type.Object(
  { ttl: optional(Type.String({ description: 'How long, in the words of the provider, such as 5m or 1h.' })) },
  { additionalProperties: false, description: 'The provider may cache the prompt up to the end of this block.' },
);

const BlockStart = describeEvent('block.start', 'A block of content begins.', {
  blockId: BlockId,
  kind: BlockKind,
  role: Role,
  index: optional(Type.Integer({ minimum: 0, description: 'Place of the block in its message.' })),
  nativeIndex: optional(
    Type.Integer({ minimum: 0, description: 'Index that the provider gave it, such as tool_calls[].index.' }),
  ),
  name: optional(text('Name of the tool, or of the file.')),
  callId: optional(text('Id of the tool call.')),
  itemId: optional(text('Id of the item in dialects that have both.')),
  providerExecuted: optional(Type.Boolean({ description: 'True when the provider runs the tool itself.' })),
  mediaType: optional(text('Media type of an image, an audio or a file.')),
  initial: optional(Type.Unknown({ description: 'The whole block, where a dialect sends it at once.' })),
  cache: optional(Cache),
  place: optional(text('Requests only: where the block stood in the body of the client, for errors about it.')),
});
const TextDelta = describeEvent(
  'text.delta',
  'A piece of text of an open text, reasoning, reasoning_summary or refusal block.',
  {
    blockId: BlockId,
    role: Role,
    text: text('The piece.'),
    logprobs: optional(Type.Unknown({ description: 'Log probabilities; dropped when the text is changed.' })),
  },
);
const ToolArgumentsDelta = describeEvent('toolArgs.delta', 'A piece of the arguments of a tool call.', {
  blockId: BlockId,
  json: optional(text('A fragment of JSON text; the fragments of a block together are the arguments.')),
  patch: optional(
    Type.Object(
      { jsonPath: Type.String(), value: Type.Unknown(), more: optional(Type.Boolean()) },
      { description: 'One value, where a dialect sends values by path.' },
    ),
  ),
});
const MediaDelta = describeEvent('media.delta', 'A piece of an image, an audio or a file, or a reference to it.', {
  blockId: BlockId,
  mediaType: optional(text('Media type.')),
  base64: optional(text('A piece of the bytes, in base64.')),
  url: optional(text('Where the thing is.')),
  fileId: optional(text('Id of a file at the provider.')),
  partialImageIndex: optional(Type.Integer({ minimum: 0 })),
});
const Annotation = describeEvent('annotation', 'A citation or another mark on a text block.', {
  blockId: BlockId,
  annotation: Type.Unknown({ description: 'The mark, in the form of its dialect.' }),
  dialect: optional(text('The dialect that the mark is written in.')),
  url: optional(text('The cited page.')),
  title: optional(text('The title of what is cited.')),
  citedText: optional(text('The cited words.')),
  start: optional(Type.Integer({ minimum: 0 })),
  end: optional(Type.Integer({ minimum: 0 })),
  unit: optional(Type.Enum(['utf16', 'codepoint', 'byte'])),
});
const ReasoningSignature = describeEvent(
  'reasoning.signature',
  'An opaque proof of reasoning; passed byte for byte or dropped with its text, never read or logged.',
  {
    blockId: BlockId,
    value: text('The signature.'),
    format: optional(text('Its format.')),
    encrypted: optional(Type.Boolean()),
  },
);
const BlockEnd = describeEvent('block.end', 'The block is complete.', {
  blockId: BlockId,
  final: optional(Type.Unknown({ description: 'The whole text, arguments or item, where a dialect repeats it.' })),
  incomplete: optional(
    Type.Boolean({
      description: 'True when the answer ended inside the block: the provider was cut off, or a modifier ended it.',
    }),
  ),
});

const StreamStart = describeEvent('stream.start', 'The run has begun.', {
  requestId: text('Id of the run; also in the header x-sluice-run.'),
  pipeline: text('Name of the pipeline.'),
  revision: optional(text('Revision of the definition.')),
  requestedModel: optional(text('The model that the client named.')),
  dialect: text('Dialect of the client.'),
  warnings: optional(Type.Array(Type.String(), { description: 'Settings that were dropped or changed.' })),
});
const ResponseMeta = describeEvent(
  'response.meta',
  'What the provider says about its answer; sent again after a failover.',
  {
    responseId: optional(text('Id of the answer; never changes once it was sent.')),
    model: optional(text('The model that answers.')),
    provider: optional(text('Wire format of the backend.')),
    backendId: optional(text('Name of the backend in the definition.')),
    attempt: optional(Type.Integer({ minimum: 1 })),
    created: optional(Type.Number({ description: 'Seconds since 1970.' })),
    serviceTier: optional(Type.String()),
    systemFingerprint: optional(Type.String()),
    role: optional(Role),
  },
);
const Safety = describeEvent('safety', 'A verdict of the provider on the prompt or the completion.', {
  scope: Type.Enum(['prompt', 'completion']),
  verdicts: Type.Array(Type.Unknown()),
  blocked: optional(Type.Boolean()),
  reason: optional(Type.String()),
});
const Usage = describeEvent(
  'usage',
  'Tokens used so far. A later one replaces the fields that it restates; nothing is added up.',
  {
    input: optional(
      Type.Object({
        total: Count,
        noCache: Count,
        cacheRead: Count,
        cacheWrite: Count,
        cacheWrite5m: Count,
        cacheWrite1h: Count,
        audio: Count,
        image: Count,
      }),
    ),
    output: optional(Type.Object({ total: Count, text: Count, reasoning: Count, audio: Count })),
    total: Count,
    serverTools: optional(Type.Record(Type.String(), Type.Number())),
    cost: Count,
    final: optional(Type.Boolean()),
    raw: optional(Type.Unknown({ description: 'The usage object of the provider.' })),
  },
);
const Finish = describeEvent('finish', 'Why a choice ended; at most once per choice.', {
  reason: Type.Object({ unified: Type.Enum([...finishReasons]), raw: optional(text("The provider's own word.")) }),
  stopSequence: optional(Type.String()),
  refusal: optional(Type.Object({ category: optional(Type.String()), explanation: optional(Type.String()) })),
});
const StepStart = describeEvent('step.start', 'A processor began work that takes time.', {
  processorId: text('Name of the step.'),
  name: optional(Type.String()),
  message: optional(Type.String()),
});
const StepProgress = describeEvent('step.progress', 'A processor tells how far it is.', {
  processorId: text('Name of the step.'),
  message: optional(Type.String()),
  data: optional(Type.Unknown()),
});
const StepEnd = describeEvent('step.end', 'A processor is done.', {
  processorId: text('Name of the step.'),
  message: optional(Type.String()),
  data: optional(Type.Unknown()),
});
const ControlRetract = describeEvent(
  'control.retract',
  'Text already sent is withdrawn; only the native dialect can show it.',
  {
    blockId: BlockId,
    fromOffset: Type.Integer({ minimum: 0 }),
    reason: Type.String(),
  },
);
const ErrorEvent = describeEvent('error', 'The run failed. Followed only by stream.end.', {
  code: text('Stable code; see docs/errors.md.'),
  message: text('For people.'),
  status: Type.Integer({ description: 'The HTTP status it would have had.' }),
  retryable: Type.Boolean(),
  retryAfterSeconds: optional(Type.Number()),
  phase: optional(Type.Enum(['connect', 'first-byte', 'mid-stream'])),
  partial: optional(Type.Boolean({ description: 'True when content was already sent.' })),
});
const Raw = describeEvent('raw', 'An event that the decoder does not know; passed on to the same dialect only.', {
  dialect: Type.String(),
  event: optional(text('Its SSE event name.')),
  data: text('Its payload as received.'),
});
const StreamEnd = describeEvent('stream.end', 'Always the last event, exactly once.', {
  outcome: Type.Enum(['ok', 'truncated', 'aborted-by-client', 'blocked', 'error']),
});

const RequestStart = describeEvent('request.start', 'A request begins: everything in it that is no message.', {
  dialect: text('Dialect it was written in.'),
  model: optional(Type.String()),
  stream: Type.Boolean(),
  settings: Type.Record(Type.String(), Type.Unknown(), { description: 'Unified settings; see ChatSettings.' }),
  tools: Type.Array(Type.Unknown()),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  params: Type.Record(Type.String(), Type.Unknown(), { description: 'Parameters that the pipeline declares.' }),
});
const MessageStart = describeEvent('message.start', 'A message of the request begins.', {
  role: Role,
  name: optional(Type.String()),
  callId: optional(text('The tool call that a tool message answers.')),
  isError: optional(Type.Boolean({ description: 'True for the result of a tool that failed.' })),
  place: optional(text('Where the message stood in the body of the client, for errors about it.')),
});
const MessageEnd = describeEvent('message.end', 'The message is complete.', {});
const RequestEnd = describeEvent('request.end', 'The request is complete.', {});

/** Events of the answer, in the order of the documentation. */
export const answerEventSchemas = [
  StreamStart,
  ResponseMeta,
  BlockStart,
  TextDelta,
  ToolArgumentsDelta,
  MediaDelta,
  Annotation,
  ReasoningSignature,
  BlockEnd,
  Safety,
  Usage,
  Finish,
  StepStart,
  StepProgress,
  StepEnd,
  ControlRetract,
  ErrorEvent,
  Raw,
  StreamEnd,
] as const;
/** Events of the request. Block events are shared with the answer. */
export const requestEventSchemas = [
  RequestStart,
  MessageStart,
  BlockStart,
  TextDelta,
  ToolArgumentsDelta,
  MediaDelta,
  Annotation,
  ReasoningSignature,
  BlockEnd,
  Raw,
  MessageEnd,
  RequestEnd,
] as const;

/** The frame of the provider that an event came from. In memory only. */
export interface Framed {
  /** Set on a `text.delta` that is all that its frame says: the frame with the text cut out. */
  readonly template?: TextTemplate;
}

/**
 * A provider's frame around one piece of text, as latin1 of UTF-8: `before + <JSON-escaped text> + after`. Where the
 * provider pads its frames with a filler of changing length, `after` ends where the filler begins and `tail` follows it.
 */
export interface TextTemplate {
  readonly dialect: string;
  readonly before: string;
  readonly after: string;
  readonly tail?: string;
}

type EventOf<S extends readonly unknown[]> = Static<S[number] & import('typebox').TSchema>;
export type AnswerEvent = EventOf<typeof answerEventSchemas> & Framed;
export type RequestEvent = EventOf<typeof requestEventSchemas> & Framed;
/** The closed union: everything that flows through a pipeline. */
export type InternalStreamEvent = AnswerEvent | RequestEvent;

export type BlockKind = (typeof blockKinds)[number];
export type Role = (typeof roles)[number];
export type FinishReason = (typeof finishReasons)[number];
export type EventOfType<T extends InternalStreamEvent['type']> = Extract<InternalStreamEvent, { type: T }>;

/** True for what counts as an answer: from here on a silent retry is no longer possible (content commit). */
export function isContent(event: AnswerEvent): boolean {
  switch (event.type) {
    case 'text.delta':
      return event.text !== '';
    case 'block.start':
      return event.kind !== 'text' && event.kind !== 'reasoning' && event.kind !== 'refusal';
    case 'toolArgs.delta':
    case 'media.delta':
    case 'annotation':
    case 'reasoning.signature':
    case 'finish':
      return true;
    default:
      return false;
  }
}
