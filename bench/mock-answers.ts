/*
 * What the mock upstream answers, as OpenAI writes it: one event is a `chat.completion.chunk` of about 310 bytes. The
 * field `obfuscation`, a filler that OpenAI adds unless `include_obfuscation` is false, is in the padded stream only;
 * most providers do not have it.
 */

/** Chunks of JSON in one stream of the burst: role, text deltas, finish reason, usage. `[DONE]` comes on top. */
export const burstEvents = 64;
/** A provider sends what has come together since its last write: a burst is several writes, back to back. */
export const burstWriteCount = 8;
/** Role, finish reason and usage carry no text. */
const eventsWithoutText = 3;
export const promptTokens = 96;
export const completionTokens = 61;
/** Time between two lone events of one stream. */
export const loneIntervalMilliseconds = 10;

const tokens = [
  'Streams',
  ' that',
  ' arrive',
  ' in',
  ' small',
  ' pieces',
  ' are',
  ' read',
  ' as',
  ' they',
  ' come',
  ',',
  ' and',
  ' each',
  ' piece',
  ' goes',
  ' on',
  ' at',
  ' once',
  '.',
  '\n\n',
  'A',
  ' gateway',
  ' should',
  ' add',
  ' very',
  ' little',
  ' to',
  ' this',
  ' —',
  ' a',
  ' few',
  ' micro',
  'seconds',
  ' for',
  ' every',
  ' event',
  ',',
  ' no',
  ' more',
  '.',
  ' The',
  ' reader',
  ' sees',
  ' "',
  'text',
  '"',
  ' grow',
  ' word',
  ' by',
  ' word',
  ' until',
  ' the',
  ' model',
  ' says',
  ' that',
  ' it',
  ' is',
  ' done',
  '.',
  '\n',
];

/** Words of the mock's text, for the word list that is meant to match. None is part of another word of the text. */
export const wordsInText: readonly string[] = ['gateway', 'pieces', 'until', 'seconds'];

const identity = {
  id: 'chatcmpl-BqW3kTn8ZsVYd0uKf5eLcH1xAoRgM',
  object: 'chat.completion.chunk',
  created: 1762000000,
  model: 'mock',
  service_tier: 'default',
  system_fingerprint: 'fp_44709d6fcb_a1b2c3d4e5f60718293a',
};

const usage = {
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};

const textDelta = (index: number): string => tokens[index % tokens.length] ?? '';

/** The pieces of text in a stream of `events` events. */
export function textDeltas(events: number): string[] {
  return Array.from({ length: events - eventsWithoutText }, (_, index) => textDelta(index));
}

/** The whole text of a stream of `events` events. */
export function streamText(events: number): string {
  return textDeltas(events).join('');
}

function chunkFrame(delta: object, finishReason: string | null, filler: object = {}): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ ...identity, choices, usage: null, ...filler })}\n\n`;
}

const fillerLetters = 'Zq7LmT0xKc4VbN2sYw9RgHd1';

/** Letters that hide how long the text is; different in each frame, and the same in each run. */
function fillerOf(index: number): object {
  const start = (index * 7) % 12;
  return { obfuscation: fillerLetters.slice(start, start + Math.max(1, 12 - textDelta(index).length)) };
}

/** The SSE frames of an answer in these pieces: role, text deltas, finish reason, usage; `[DONE]` not included. */
export function answerFrames(pieces: readonly string[], padded = false): string[] {
  const frames = [chunkFrame({ role: 'assistant', content: '', refusal: null }, null)];
  for (const [index, content] of pieces.entries()) {
    frames.push(chunkFrame({ content }, null, padded ? fillerOf(index) : {}));
  }
  frames.push(chunkFrame({}, 'stop'));
  frames.push(`data: ${JSON.stringify({ ...identity, choices: [], usage })}\n\n`);
  return frames;
}

/** The same of a stream of `events` events. */
export function streamFrames(events: number, padded = false): string[] {
  return answerFrames(textDeltas(events), padded);
}

/** Text of the answer that is not streamed; the document is about 1 KB. */
export const jsonText = streamText(burstEvents + 61);

export const jsonBody = JSON.stringify({
  ...identity,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: jsonText, refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage,
});
