/*
 * Bytes of OpenAI chat completions, as a provider sends them. All builders return text; a stream is a list of frames,
 * so a scenario can cut, gate or leave out any of them.
 */

/** What is the same in all chunks of one answer. */
export interface ChatIdentity {
  readonly id?: string;
  readonly model?: string;
  /** Seconds since 1970. */
  readonly created?: number;
  /** Which choice; only for `n > 1`. */
  readonly choice?: number;
}

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  /** The fragments in which the arguments arrive; joined they are JSON. */
  readonly arguments: readonly string[];
}

export interface ChatUsage {
  readonly prompt: number;
  readonly completion: number;
}

/** A frame with a JSON payload, or with the text given. */
export function sseFrame(data: unknown, event?: string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const lines = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${event === undefined ? '' : `event: ${event}\n`}${lines.join('')}\n`;
}

export const doneFrame = 'data: [DONE]\n\n';
export const commentFrame = (text: string): string => `: ${text}\n\n`;

export function deltaFrame(delta: object, identity: ChatIdentity = {}, finishReason: string | null = null): string {
  const choice = { index: identity.choice ?? 0, delta, logprobs: null, finish_reason: finishReason };
  return sseFrame({ ...envelope(identity), choices: [choice] });
}

export const roleFrame = (identity?: ChatIdentity): string =>
  deltaFrame({ role: 'assistant', content: '', refusal: null }, identity);
export const textFrame = (text: string, identity?: ChatIdentity): string => deltaFrame({ content: text }, identity);
export const refusalFrame = (text: string, identity?: ChatIdentity): string => deltaFrame({ refusal: text }, identity);
export const finishFrame = (reason = 'stop', identity?: ChatIdentity): string => deltaFrame({}, identity, reason);

/** The frames of one tool call: id and name first, then each fragment of the arguments. */
export function toolCallFrames(index: number, call: ChatToolCall, identity?: ChatIdentity): readonly string[] {
  const first = { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } };
  const rest = call.arguments.map((text) => ({ index, function: { arguments: text } }));
  return [first, ...rest].map((part) => deltaFrame({ tool_calls: [part] }, identity));
}

export function usageFrame(usage: ChatUsage, identity: ChatIdentity = {}): string {
  return sseFrame({ ...envelope(identity), choices: [], usage: usageBody(usage) });
}

export interface ChatErrorBody {
  readonly message: string;
  readonly type?: string;
  readonly code?: string | null;
  readonly param?: string | null;
}

/** The body of an HTTP error; in a frame it is the error of a stream. */
export function errorBody({ message, type = 'server_error', code = null, param = null }: ChatErrorBody): object {
  return { error: { message, type, param, code } };
}

export const errorFrame = (error: ChatErrorBody): string => sseFrame(errorBody(error));

export interface ChatAnswerPlan extends ChatIdentity {
  /** The pieces in which the text arrives. */
  readonly text?: readonly string[];
  readonly toolCalls?: readonly ChatToolCall[];
  readonly finishReason?: string;
  readonly usage?: ChatUsage;
}

/** All frames of a good answer, from the role to `[DONE]`. */
export function answerFrames(plan: ChatAnswerPlan): readonly string[] {
  const { text = [], toolCalls = [], usage } = plan;
  return [
    roleFrame(plan),
    ...text.map((piece) => textFrame(piece, plan)),
    ...toolCalls.flatMap((call, index) => toolCallFrames(index, call, plan)),
    finishFrame(reasonOf(plan), plan),
    ...(usage === undefined ? [] : [usageFrame(usage, plan)]),
    doneFrame,
  ];
}

/** The same answer as one JSON document. */
export function answerBody(plan: ChatAnswerPlan): object {
  const { text = [], toolCalls = [], usage } = plan;
  const calls = toolCalls.map(({ id, name, arguments: pieces }) => ({
    id,
    type: 'function',
    function: { name, arguments: pieces.join('') },
  }));
  const message = {
    role: 'assistant',
    content: text.length === 0 ? null : text.join(''),
    refusal: null,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    ...envelope(plan),
    object: 'chat.completion',
    choices: [{ index: plan.choice ?? 0, message, logprobs: null, finish_reason: reasonOf(plan) }],
    ...(usage === undefined ? {} : { usage: usageBody(usage) }),
  };
}

function reasonOf(plan: ChatAnswerPlan): string {
  return plan.finishReason ?? ((plan.toolCalls ?? []).length > 0 ? 'tool_calls' : 'stop');
}

function envelope({ id = 'chatcmpl-1', model = 'gpt-test', created = 1_767_225_600 }: ChatIdentity): object {
  return { id, object: 'chat.completion.chunk', created, model, system_fingerprint: 'fp_test' };
}

function usageBody({ prompt, completion }: ChatUsage): object {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
