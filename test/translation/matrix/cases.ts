import {
  pixel,
  type NeutralAnswer,
  type NeutralAsk,
  type NeutralFeature,
  type NeutralFinish,
  type NeutralMessage,
  type NeutralRequest,
} from '../neutral.ts';

/** One thing that must survive. */
export interface Case {
  readonly name: string;
  /** Of which part of the page it is. */
  readonly about: 'request' | 'answer';
  readonly request: NeutralRequest;
  readonly answer: NeutralAnswer;
  /** The client's format must have words for all of them. */
  readonly feature?: NeutralFeature;
  /** What the provider's format has words for, where the case is about it: a loss would then be a needless one. */
  readonly ask?: NeutralAsk;
  readonly needs?: 'reasoning' | 'signature';
  /** The answer is given back with this message behind it, and the provider must find its own proof in it. */
  readonly then?: readonly NeutralMessage[];
}

const ask = (text: string): NeutralMessage => ({ role: 'user', parts: [{ type: 'text', text }] });
const usage = { input: 120, output: 48 };
const ok: NeutralAnswer = { text: ['Yes', '.'], finish: 'stop', usage };
const hello: NeutralRequest = { messages: [ask('Hello')], maxOutputTokens: 2_000 };

const weather = {
  name: 'get_weather',
  description: 'The weather at a place.',
  parameters: {
    type: 'object',
    properties: {
      city: { type: 'string' },
      options: {
        type: 'object',
        properties: {
          units: { type: 'string', enum: ['metric', 'imperial'] },
          days: { type: 'array', items: { type: 'integer' } },
        },
        required: ['units', 'days'],
        additionalProperties: false,
      },
    },
    required: ['city', 'options'],
    additionalProperties: false,
  },
};
const clock = {
  name: 'get_time',
  description: 'The time at a place.',
  parameters: {
    type: 'object',
    properties: { zone: { type: 'string' } },
    required: ['zone'],
    additionalProperties: false,
  },
};
const ping = {
  name: 'ping',
  description: 'Says that it is there.',
  parameters: { type: 'object', properties: {}, additionalProperties: false },
};
const calls = [
  {
    id: 'call_A1b2C3d4',
    name: 'get_weather',
    arguments: { city: 'Zürich 🏔', options: { units: 'metric', days: [1, 2, 3] } },
  },
  { id: 'call_E5f6G7h8', name: 'get_time', arguments: { zone: 'Europe/Zurich' } },
];
const withTools: NeutralRequest = { ...hello, messages: [ask('Weather and time?')], tools: [weather, clock] };
const results: readonly NeutralMessage[] = [
  { role: 'tool', callId: 'call_A1b2C3d4', text: 'Sunny, 21 °C' },
  { role: 'tool', callId: 'call_E5f6G7h8', text: 'no such zone' },
];
const failed: readonly NeutralMessage[] = results.map((result) =>
  result.role === 'tool' && result.text.startsWith('no') ? { ...result, isError: true } : result,
);
const closed = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const thinking: NeutralRequest = { messages: [ask('Think.')], reasoning: true, maxOutputTokens: 4_096 };
const thoughts = { reasoning: ['First, ', 'sum up — ', 'then 答え.'], signature: 'RXFrQ0NvWUJHQUlzaWc0+/Z2dz0=' };

const finishing = (name: string, finish: NeutralFinish): Case => ({
  name,
  about: 'answer',
  request: hello,
  answer: { text: ['So far', ' so good'], finish, usage },
});
const setting = (name: string, fields: Partial<NeutralRequest>, about: Pick<Case, 'ask' | 'feature'> = {}): Case => ({
  name,
  about: 'request',
  request: { ...hello, ...fields },
  answer: ok,
  ...about,
});

export const cases: readonly Case[] = [
  {
    name: 'text in many scripts',
    about: 'answer',
    request: {
      ...hello,
      messages: [
        { role: 'system', text: 'Answer „kurz“ — 簡潔に.' },
        ask('Grüße, 世界! 👩‍👩‍👧‍👦 "quoted" \\ \u2028 tab\t'),
        { role: 'assistant', text: 'Ja? 🙂' },
        ask('Weiter.\nZweite Zeile.'),
      ],
    },
    answer: { text: ['Grü', 'ße, 世', '界! 👩‍', '👩‍👧‍👦 "quoted"', ' \\ \u2028\n', '\ttab 🏁'], finish: 'stop', usage },
  },
  {
    name: 'two tool calls at once',
    about: 'answer',
    request: withTools,
    answer: { toolCalls: calls, finish: 'tool_calls', usage },
  },
  {
    name: 'text with tool calls behind it',
    about: 'answer',
    request: withTools,
    answer: { text: ['Let me ', 'look.'], toolCalls: calls, finish: 'tool_calls', usage },
  },
  {
    name: 'reasoning',
    about: 'answer',
    needs: 'reasoning',
    request: thinking,
    answer: { reasoning: thoughts.reasoning, ...ok },
  },
  {
    name: 'reasoning with a signature',
    about: 'answer',
    needs: 'signature',
    request: thinking,
    answer: { ...thoughts, ...ok },
  },
  {
    name: 'reasoning sent back',
    about: 'request',
    needs: 'signature',
    request: { ...thinking, tools: [weather, clock] },
    answer: { ...thoughts, text: ['I look.'], toolCalls: calls, finish: 'tool_calls', usage },
    then: results,
  },
  finishing('stopped at the limit', 'length'),
  finishing('stopped by a content filter', 'content_filter'),
  finishing('refused', 'refusal'),
  finishing('paused', 'pause'),
  {
    name: 'cached and reasoning tokens',
    about: 'answer',
    request: hello,
    answer: {
      text: ['Counted.'],
      finish: 'stop',
      usage: { input: 1_000, output: 300, cacheRead: 600, reasoning: 120 },
    },
  },
  {
    name: 'tool calls and their results',
    about: 'request',
    request: {
      ...withTools,
      messages: [
        ...withTools.messages,
        { role: 'assistant', text: 'I look.', toolCalls: calls },
        ...results,
        ask('And now?'),
      ],
    },
    answer: ok,
  },
  {
    name: 'two messages of the user in a row',
    about: 'request',
    request: { ...hello, messages: [ask('One.'), ask('Two.')] },
    answer: ok,
  },
  {
    name: 'a call without arguments, and an empty result',
    about: 'request',
    request: {
      ...withTools,
      messages: [
        ...withTools.messages,
        { role: 'assistant', toolCalls: [{ id: 'call_I9j0K1l2', name: 'ping', arguments: {} }] },
        { role: 'tool', callId: 'call_I9j0K1l2', text: '' },
      ],
      tools: [ping],
    },
    answer: { toolCalls: [{ id: 'call_M3n4O5p6', name: 'ping', arguments: {} }], finish: 'tool_calls', usage },
  },
  {
    name: 'a tool result that is an error',
    about: 'request',
    feature: 'isError',
    ask: 'tool_error',
    request: { ...withTools, messages: [...withTools.messages, { role: 'assistant', toolCalls: calls }, ...failed] },
    answer: ok,
  },
  {
    name: 'a system message in the middle',
    about: 'request',
    feature: 'lateSystem',
    request: {
      ...hello,
      messages: [
        { role: 'system', text: 'Be short.' },
        ask('Hello'),
        { role: 'assistant', text: 'Hi' },
        { role: 'system', text: 'Be long.' },
        ask('Again'),
      ],
    },
    answer: ok,
  },
  {
    name: 'an image in the request',
    about: 'request',
    ask: 'image',
    request: {
      ...hello,
      messages: [
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'What is it?' },
            { type: 'image', mediaType: 'image/png', base64: pixel },
          ],
        },
      ],
    },
    answer: ok,
  },
  {
    name: 'an image by its URL',
    about: 'request',
    feature: 'imageUrl',
    ask: 'image_url',
    request: {
      ...hello,
      messages: [
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'What is it?' },
            { type: 'image-url', url: 'https://images.example/cat.png' },
          ],
        },
      ],
    },
    answer: ok,
  },
  setting('temperature', { temperature: 0.5 }),
  setting('temperature above 1', { temperature: 1.5 }, { feature: 'warmth' }),
  setting('top p', { topP: 0.9 }),
  setting('top k', { topK: 40 }, { feature: 'topK', ask: 'top_k' }),
  setting('stop sequences', { stop: ['END', '###'] }, { feature: 'stop', ask: 'stop' }),
  setting('seed', { seed: 7 }, { feature: 'seed', ask: 'seed' }),
  setting('a schema for the answer', { schema: closed }, { feature: 'schema', ask: 'schema' }),
  setting(
    'one tool call at a time',
    { ...tools(), parallelToolCalls: false },
    { feature: 'parallelToolCalls', ask: 'parallel' },
  ),
  setting(
    'a tool must be called',
    { ...tools(), toolChoice: 'required' },
    { feature: 'toolChoice', ask: 'choice_required' },
  ),
  setting(
    'a certain tool must be called',
    { ...tools(), toolChoice: { name: 'get_time' } },
    { feature: 'toolChoice', ask: 'choice_name' },
  ),
  setting('no tool may be called', { ...tools(), toolChoice: 'none' }, { feature: 'toolChoice', ask: 'choice_none' }),
];

function tools(): Pick<NeutralRequest, 'tools'> {
  return { tools: [weather, clock] };
}
