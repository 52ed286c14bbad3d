import { isFiller } from '../../kernel/frame-sink.ts';
import { countStringTokens } from '../../kernel/json/json-text.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';

type Check = (value: unknown) => boolean;

/** Longest word of the provider that is believed to be no text of the answer. */
const maxWordLength = 64;
const isText: Check = (value) => typeof value === 'string';
const isWord: Check = (value) => typeof value === 'string' && value.length <= maxWordLength && /^[\w.-]*$/.test(value);
const isCount: Check = (value) => typeof value === 'number';
const counts: Check = (value) => isObject(value) && Object.values(value).every((item) => isCount(item) || counts(item));
const padding: Check = (value) => typeof value === 'string' && isFiller(value);

const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) &&
    Object.entries(value).every(([name, item]) => Object.hasOwn(fields, name) && fields[name]?.(item));
const index = { contentBlockIndex: isCount, p: padding };
const toolUse = shape({ toolUseId: isText, name: isText, type: isWord });

/** The frames whose every string is shown by an event, as they are when nothing special is in them. */
const plainFrames: Readonly<Record<string, Check>> = {
  messageStart: shape({ role: isWord, p: padding }),
  contentBlockStart: shape({ ...index, start: shape({ toolUse }) }),
  contentBlockDelta: shape({
    ...index,
    delta: shape({
      text: isText,
      toolUse: shape({ input: isText }),
      reasoningContent: shape({ text: isText, signature: isText, redactedContent: isText }),
    }),
  }),
  contentBlockStop: shape(index),
  messageStop: shape({ stopReason: isWord, p: padding }),
  metadata: shape({ usage: counts, metrics: counts, p: padding }),
};

/**
 * True when the frame holds no string that its events do not show. `strings` is the number of strings in the document:
 * fewer than in `data` mean that a key is there twice, and hides one.
 */
export function isTransparent(event: string, document: JsonObject, data: string, strings: number): boolean {
  return plainFrames[event]?.(document) === true && countStringTokens(data) === strings;
}
