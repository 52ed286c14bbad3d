import type { AnswerEvent } from '../../kernel/event.ts';
import { filledString, isObject, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { badContent, parseBody } from '../../kernel/dialects/provider-document.ts';
import { errorFromException } from './provider-exception.ts';
import { ConverseStreamDecoder, type DecoderOptions } from './stream-decoder.ts';

const bodyFields: ReadonlySet<string> = new Set(['output', 'stopReason', 'additionalModelResponseFields']);

/** The events of a whole answer: those of a stream that says the same. Throws the failure that it is, or UPSTREAM_BAD_CONTENT. */
export function decodeConverseBody(body: string, options: DecoderOptions): readonly AnswerEvent[] {
  const document = parseBody(body);
  const exception = filledString(document['__type']);
  if (exception !== undefined) throw errorFromException(exception, body);
  const message = isObject(document['output']) ? document['output']['message'] : undefined;
  if (!isObject(message) || !Array.isArray(message['content'])) throw badContent('it has no output message');
  const decoder = new ConverseStreamDecoder(options);
  const { stopReason, additionalModelResponseFields } = document;
  const frames: Frame[] = [
    ['messageStart', { role: message['role'] }],
    ...(message['content'] as unknown[]).flatMap((block, contentBlockIndex) =>
      framesOfBlock(isObject(block) ? block : {}).map(([event, fields]): Frame => [
        event,
        { contentBlockIndex, ...fields },
      ]),
    ),
    ['messageStop', { stopReason, additionalModelResponseFields }],
    ['metadata', otherFields(document, bodyFields) ?? {}],
  ];
  return frames.flatMap(([event, fields]) => decoder.frame(event, JSON.stringify(fields)).events);
}

type Frame = readonly [event: string, fields: JsonObject];

const start = (fields: JsonObject): Frame => ['contentBlockStart', { start: fields }];
const delta = (fields: JsonObject): Frame => ['contentBlockDelta', { delta: fields }];

/** A block in the events in which a stream would say it. */
function framesOfBlock(block: JsonObject): Frame[] {
  const end: Frame = ['contentBlockStop', {}];
  const { text, toolUse, toolResult, reasoningContent, image, citationsContent } = block;
  if (typeof text === 'string') return [delta({ text }), end];
  if (isObject(toolUse)) {
    const { input, ...head } = toolUse;
    return [start({ toolUse: head }), delta({ toolUse: { input } }), end];
  }
  if (isObject(toolResult)) {
    const { content, ...head } = toolResult;
    return [start({ toolResult: head }), delta({ toolResult: Array.isArray(content) ? content : [] }), end];
  }
  if (isObject(reasoningContent)) {
    const { reasoningText, redactedContent } = reasoningContent;
    return [delta({ reasoningContent: isObject(reasoningText) ? reasoningText : { redactedContent } }), end];
  }
  if (isObject(image)) {
    const { source, ...head } = image;
    return [start({ image: head }), delta({ image: { source } }), end];
  }
  if (isObject(citationsContent)) return [...citedText(citationsContent), end];
  return [start(block), end];
}

function citedText({ content, citations }: JsonObject): Frame[] {
  const texts = Array.isArray(content) ? content.filter(isObject) : [];
  const marks = Array.isArray(citations) ? citations.filter(isObject) : [];
  return [...marks.map((citation) => delta({ citation })), ...texts.map(({ text }) => delta({ text }))];
}
