/*
 * What a dialect can't say, or says in another way. All that is not named here must reach the client as the provider
 * said it.
 */

const isOneOf =
  (...dialects) =>
  (dialect) =>
    dialects.includes(dialect);
const takesObjects = isOneOf('anthropic-messages', 'gemini', 'ollama');

export const limits = [
  {
    what: 'What a modifier that protects can not read stays behind: the explanation of a refusal, calls of built-in tools.',
    of: (_dialect, _backend, chain) => chain !== undefined,
    apply: eachChoice(({ explanation: _unread, ...choice }) => choice),
  },
  {
    what: 'Only the first of several answers: Anthropic, Responses, Ollama.',
    of: isOneOf('anthropic-messages', 'openai-responses', 'ollama'),
    apply: (reading) => ({ ...reading, choices: reading.choices.slice(0, 1) }),
  },
  {
    what: 'A custom tool is called with `{"input": text}` where arguments are an object: Anthropic, Gemini, Ollama.',
    of: takesObjects,
    apply: eachCall(({ isCustom, ...call }) => (isCustom ? { ...call, arguments: { input: call.arguments } } : call)),
  },
  {
    what: 'Arguments that are no JSON are not compared where they are an object; each client mends them in its way.',
    of: takesObjects,
    apply: eachCall((call) => (typeof call.arguments === 'string' ? { ...call, arguments: undefined } : call)),
  },
  {
    what: 'A refusal in words is text: Anthropic, Gemini, Ollama.',
    of: takesObjects,
    apply: eachChoice((choice) => ({ ...choice, text: choice.text + choice.refusal, refusal: '' })),
  },
  {
    what: 'The explanation of a refusal is the refusal: Chat, Responses.',
    of: isOneOf('openai-chat', 'openai-responses'),
    apply: eachChoice(({ explanation, ...choice }) => ({ ...choice, refusal: choice.refusal || (explanation ?? '') })),
  },
  {
    what: 'A refusal without words is a filtered answer: Chat, Responses. Every refusal is one: Gemini, Ollama.',
    of: isOneOf('openai-chat', 'openai-responses', 'gemini', 'ollama'),
    apply: eachChoice((choice) =>
      choice.stop === 'refusal' && choice.refusal === '' ? { ...choice, stop: 'content_filter' } : choice,
    ),
  },
  {
    what: 'A filtered answer is a refusal: Anthropic.',
    of: isOneOf('anthropic-messages'),
    apply: eachChoice((choice) => (choice.stop === 'content_filter' ? { ...choice, stop: 'refusal' } : choice)),
  },
  {
    what: 'An end for calls of built-in tools, which no other format has and which modifiers hold back, is an ordinary end. The native format keeps it.',
    of: (dialect, backend, chain) => dialect !== 'native' && (dialect !== backend || chain !== undefined),
    apply: eachChoice((choice) =>
      choice.stop === 'tool_calls' && choice.calls.length === 0 ? { ...choice, stop: 'stop' } : choice,
    ),
  },
  {
    what: 'A pause is an ordinary end: all but Anthropic and native.',
    of: isOneOf('openai-chat', 'openai-responses', 'gemini', 'ollama'),
    apply: eachChoice((choice) => (choice.stop === 'pause' ? { ...choice, stop: 'stop' } : choice)),
  },
  {
    what: 'Usage has no writes to a cache: Gemini.',
    of: isOneOf('gemini'),
    apply: ({ usage: { cacheWrite: _unsaid, ...usage }, ...reading }) => ({ ...reading, usage }),
  },
  {
    what: 'Usage has the two totals only: Ollama.',
    of: isOneOf('ollama'),
    apply: ({ usage: { input, output }, ...reading }) => ({ ...reading, usage: { input, output } }),
  },
  {
    what: 'Reads from a cache are no more than the whole prompt, because clients add them up: Anthropic.',
    of: isOneOf('anthropic-messages'),
    apply: ({ usage, ...reading }) => ({ ...reading, usage: { ...usage, ...cappedReads(usage) } }),
  },
];

/** What a client of `dialect` can know of an answer from a backend of the type `backend`, behind a chain of modifiers. */
export function withinLimits(reading, { dialect, backend, chain }) {
  if (reading.outcome !== 'answer') return reading;
  return limits.filter(({ of }) => of(dialect, backend, chain)).reduce((said, { apply }) => apply(said), reading);
}

function eachChoice(change) {
  return (reading) => ({ ...reading, choices: reading.choices.map(change) });
}

function eachCall(change) {
  return eachChoice((choice) => ({ ...choice, calls: choice.calls.map(change) }));
}

function cappedReads({ input, cacheRead }) {
  return input === undefined || cacheRead === undefined ? {} : { cacheRead: Math.min(cacheRead, input) };
}
