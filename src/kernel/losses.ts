import type { BlockKind } from './event.ts';

/**
 * All that a format may be unable to say, once: the names in `x-sluice-warnings` and in the record of a run, with what
 * each of them means. The list in the documentation is made of this table; a name is never changed, because alerts and
 * dashboards key on it. Settings have their unified name in snake case, whatever their format calls them.
 */
export const losses = {
  'request.max_output_tokens': 'The limit of output tokens was raised to the least that the provider takes.',
  'request.temperature': 'The temperature was left out, or moved into the bounds of the provider.',
  'request.top_p': 'The nucleus of sampling was left out, or moved into the bounds of the provider.',
  'request.top_k': 'The number of candidates of sampling was left out, or moved into the bounds of the provider.',
  'request.stop': 'Some or all stop sequences were left out.',
  'request.seed': 'The seed was left out.',
  'request.presence_penalty':
    'The penalty for words that occurred was left out, or moved into the bounds of the provider.',
  'request.frequency_penalty': 'The penalty for frequent words was left out, or moved into the bounds of the provider.',
  'request.choices': 'One answer is asked for in place of several.',
  'request.response_format': 'The provider is not held to the form of the answer, or to a weaker one.',
  'request.response_format.description': 'The description of the form of the answer was left out.',
  'request.reasoning_effort': 'The effort of reasoning was left out, or became the nearest that the provider knows.',
  'request.reasoning_budget': 'The budget of reasoning was left out, or became an effort or another number.',
  'request.show_reasoning': "The provider shows no reasoning, or can't be told to.",
  'request.tool_choice': 'The choice of tools was left out, or is weaker.',
  'request.parallel_tool_calls': "The provider can't be told whether it may call several tools at once.",
  'request.user': 'The name of the end user was left out.',
  'request.metadata': 'The metadata of the request was left out: it is for the provider that the client has in mind.',
  'request.cache': 'Some or all marks for the prompt cache were left out, or their time to live was.',
  'request.tools': "Tools that must not be called were left out, because the provider can't be told so.",
  'request.tools.strict': 'The provider is not held to the schema of the arguments.',
  'request.server_tools': 'Tools that another provider runs itself, or what they did, were left out.',
  'request.tool_arguments': 'Arguments of an earlier call that are no JSON object were wrapped in one.',
  'request.tool_result_media': 'Media in the result of a tool stands in a message of the user behind it.',
  'request.assistant_media': 'Media in an earlier answer was left out, or stands in a message of the user.',
  'request.is_error': 'The provider is not told that a tool failed, beyond the words of the result.',
  'request.name': 'The name of a participant was left out.',
  'request.system_position':
    "A system message in the middle of the conversation stands at its beginning, or is the user's.",
  'request.image_detail': 'How closely an image is to be looked at was left out.',
  'request.image_position': 'The place of images between texts was lost.',
  'request.reasoning':
    'Earlier reasoning was left out: the provider takes back only what it has made and signed itself.',
  'request.signature': 'The proof of earlier reasoning was left out, its text was kept.',
  'request.citations': 'The sources of an earlier answer were left out.',
  'request.compaction': 'What another provider made of the conversation so far was left out.',
  'answer.choices': 'Further answers were left out.',
  'answer.citations': 'Some or all sources were left out.',
  'answer.logprobs': 'The probabilities of tokens were left out.',
  'answer.media': 'An image, an audio or a file was left out.',
  'answer.pause': 'The provider paused and waits to be asked to go on; the client reads an end.',
  'answer.reasoning': 'Reasoning, or its encrypted form, was left out.',
  'answer.refusal_details': 'The category of a refusal, and its explanation, were left out.',
  'answer.safety': 'Verdicts on the safety of the content were left out.',
  'answer.server_tools': 'Tools that the provider ran itself, and their results, were left out.',
  'answer.signature': "The proof of reasoning was left out, so it can't be sent back.",
  'answer.stop_sequence': 'Which stop sequence ended the answer was left out.',
  'answer.tool_arguments': 'Arguments of a call that are no JSON object were wrapped in one.',
  'answer.compaction': 'What the provider made of the conversation so far was left out.',
  'answer.usage_details': 'Parts of the usage, such as cached or reasoning tokens, were left out.',
  'answer.unknown_blocks': 'Content of a kind that is not known here was left out.',
} as const satisfies Record<string, string>;

/** A field of the client's body without a unified name, such as `request.field.logit_bias`, that was not sent. */
export type LostField = `request.field.${string}`;
export type LossName = keyof typeof losses | LostField;

type Under<P extends string, N> = N extends `${P}.${infer Rest}` ? Rest : never;
/** Names without the side that they are of. */
export type RequestLoss = Under<'request', LossName>;
export type AnswerLoss = Under<'answer', LossName>;

/** Fields of bodies that are a unified setting. */
const settingsOfFields: ReadonlyMap<string, LossName> = new Map<string, LossName>([
  ['temperature', 'request.temperature'],
  ['top_p', 'request.top_p'],
  ['top_k', 'request.top_k'],
  ['stop', 'request.stop'],
  ['seed', 'request.seed'],
  ['presence_penalty', 'request.presence_penalty'],
  ['frequency_penalty', 'request.frequency_penalty'],
  ['response_format', 'request.response_format'],
  ['reasoning_effort', 'request.reasoning_effort'],
  ['tool_choice', 'request.tool_choice'],
  ['parallel_tool_calls', 'request.parallel_tool_calls'],
  ['user', 'request.user'],
  ['metadata', 'request.metadata'],
  ['max_output_tokens', 'request.max_output_tokens'],
  ['max_tokens', 'request.max_output_tokens'],
  ['max_completion_tokens', 'request.max_output_tokens'],
  ['stop_sequences', 'request.stop'],
  ['n', 'request.choices'],
  ['random_seed', 'request.seed'],
  ['format', 'request.response_format'],
  ['output_format', 'request.response_format'],
  ['function_call', 'request.tool_choice'],
]);

/** The name for a field of the client's body that is not sent: that of the setting where it is one. */
export function lossOfField(field: string): LossName {
  return settingsOfFields.get(field) ?? `request.field.${field}`;
}

const lossesOfBlocks: Partial<Record<BlockKind, LossName>> = {
  reasoning: 'answer.reasoning',
  reasoning_summary: 'answer.reasoning',
  reasoning_redacted: 'answer.reasoning',
  server_tool_call: 'answer.server_tools',
  server_tool_result: 'answer.server_tools',
  code: 'answer.server_tools',
  image: 'answer.media',
  audio: 'answer.media',
  file: 'answer.media',
  compaction: 'answer.compaction',
};

/** The name for a block of an answer that the client's format has no form for. */
export function lossOfBlock(kind: BlockKind): LossName {
  return lossesOfBlocks[kind] ?? 'answer.unknown_blocks';
}
