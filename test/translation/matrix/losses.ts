import type { NeutralAsk } from '../neutral.ts';

/** A loss that Sluice reports. */
export interface Loss {
  /** For the page: what is lost. */
  readonly words: string;
  /** Which differences it may explain. Absent where no neutral request or answer says it, so that it can't be told whether it is true. */
  readonly explains?: readonly string[];
  /** A provider whose format has words for it need not lose it. */
  readonly needless?: NeutralAsk;
}

/** By the name in the header `x-sluice-warnings`. */
export const losses: Readonly<Record<string, Loss>> = {
  'request.temperature': {
    words: 'a temperature beyond the range: the nearest one is sent',
    explains: ['temperature'],
  },
  'request.top_p': { words: 'top p', explains: ['topP'] },
  'request.top_k': { words: 'top k', explains: ['topK'], needless: 'top_k' },
  'request.max_output_tokens': { words: 'the limit of output tokens', explains: ['maxOutputTokens'] },
  'request.stop': { words: 'stop sequences', explains: ['stop'], needless: 'stop' },
  'request.seed': { words: 'the seed', explains: ['seed'], needless: 'seed' },
  'request.parallel_tool_calls': {
    words: 'the wish for one tool call at a time',
    explains: ['parallelToolCalls'],
    needless: 'parallel',
  },
  'request.tool_choice': {
    words: 'that a tool must be called; where a certain one is asked for, it is the only one that is told',
    explains: ['toolChoice'],
  },
  'request.tools': { words: 'the tools, where none may be called', explains: ['tools'] },
  'request.is_error': { words: 'that a tool result is an error', explains: ['isError'], needless: 'tool_error' },
  'request.response_format': { words: 'the schema of the answer', explains: ['schema'], needless: 'schema' },
  'request.reasoning_effort': { words: 'the wish to reason, or how much', explains: ['reasoning'] },
  'request.reasoning_budget': { words: 'the exact number of tokens for reasoning' },
  'request.show_reasoning': { words: 'the wish to see the reasoning' },
  // A provider that checks proofs takes no reasoning without one, and then none can be asked for before tool results.
  'request.reasoning': {
    words: 'earlier reasoning without a proof of this provider',
    explains: ['earlierReasoning', 'reasoning'],
  },
  'request.signature': { words: 'the proof of earlier reasoning', explains: ['proof'] },
  'request.system_position': {
    words: 'the place of a later system message: it goes to the front',
    explains: ['systemPosition'],
  },
  'request.image_detail': { words: 'the level of detail of an image' },
  'request.tools.strict': { words: 'that arguments must obey the schema strictly' },
  'request.response_format.strict': { words: 'that the answer must obey the schema strictly' },
  'request.response_format.name': { words: 'the name of the schema' },
  'request.field.NAME': { words: 'a field that only the format of the client has' },
  'answer.reasoning': { words: 'the reasoning', explains: ['reasoning', 'signature'] },
  'answer.signature': { words: 'the proof of the reasoning', explains: ['signature'] },
  'answer.pause': { words: 'that the answer is only paused: it looks finished', explains: ['finish'] },
  'answer.refusal_details': { words: 'why the model refused' },
  'answer.safety': { words: 'the verdicts of safety filters' },
  'answer.usage_details': {
    words: 'how many tokens were cached, and how many were reasoning',
    explains: ['usage.cacheRead', 'usage.reasoning'],
  },
};

/** The key of a loss: fields without a name here are all of one kind. */
export const kindOfLoss = (name: string): string => name.replace(/^request\.field\..*/s, 'request.field.NAME');
