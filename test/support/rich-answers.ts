/*
 * One answer in every format of a provider, with everything in it that the format can say: thoughts and their proofs, text
 * with citations and log probabilities, calls, tools that the provider runs, media, usage. For tests that change, leave
 * out or double some part of it.
 */

type Json = Readonly<Record<string, unknown>>;

export interface ProviderFrame {
  readonly event: string;
  /** A document; a string is what stands in the frame as it is. */
  readonly data: Json | string;
}

const frame = (event: string, data: Json | string): ProviderFrame => ({ event, data });
const typed = (type: string, fields: Json = {}): ProviderFrame => frame(type, { type, ...fields });

const usageOfChat = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, note: 'n' };
const verdicts = { hate: { filtered: false, severity: 'safe' } };
const chat = (delta: Json, choice: Json = {}, top: Json = {}): ProviderFrame =>
  frame('', {
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 5,
    model: 'mm',
    choices: [{ index: 0, delta, finish_reason: null, ...choice }],
    ...top,
  });
const chatCall = (call: Json): ProviderFrame => chat({ tool_calls: [call] });

const openaiChat: readonly ProviderFrame[] = [
  chat({ role: 'assistant', content: '' }, {}, { prompt_filter_results: [{ content_filter_results: verdicts }] }),
  chat({ reasoning_content: 'hello ' }),
  chat({ reasoning_content: 'world' }),
  chat({ reasoning_details: [{ type: 'reasoning.text', text: '', signature: 'SIG', format: 'f', index: 0 }] }),
  chat({ content: 'hello ' }),
  chat({ content: 'wor' }),
  chat({ content: 'ld' }),
  chat({ content: ' y' }, { logprobs: { content: [{ token: 'y', logprob: -1, bytes: [1], top_logprobs: [] }] } }),
  chat({ annotations: [{ type: 'url_citation', url_citation: { url: 'https://u.invalid', title: 'tt' } }] }),
  chat({ refusal: 'hello' }),
  chat({ images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }),
  chatCall({ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }),
  chatCall({ index: 0, function: { arguments: '{"a":1}' } }),
  chatCall({ index: 1, id: 'call_2', type: 'custom', custom: { name: 'g', input: '' } }),
  chatCall({ index: 1, custom: { input: 'in' } }),
  chat({ audio: { id: 'aud', data: 'AAAA', transcript: 'tr', expires_at: 1 } }),
  chat({}, { finish_reason: 'stop', content_filter_results: verdicts, native_finish_reason: 'end' }),
  frame('', { id: 'c1', object: 'chat.completion.chunk', created: 5, model: 'mm', choices: [], usage: usageOfChat }),
  frame('', '[DONE]'),
];

const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 5,
  status: 'in_progress',
  model: 'mm',
  output: [],
  instructions: 'ii',
  metadata: { k: 'v' },
  error: null,
  incomplete_details: null,
  usage: null,
};
const cited = { type: 'url_citation', url: 'https://u.invalid', title: 'tt', start_index: 0, end_index: 1 };
const message = { id: 'msg_1', type: 'message', role: 'assistant' };
const said = { type: 'output_text', text: 'hello world y', annotations: [cited], logprobs: [] };
const refused = { id: 'msg_2', type: 'message', role: 'assistant', status: 'completed' };
const thoughts = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'hello world' }],
  content: [{ type: 'reasoning_text', text: 'hello world' }],
  encrypted_content: 'ENC',
};
const call = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'f' };
const search = { id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'qq' } };
const program = { id: 'ci_1', type: 'code_interpreter_call', status: 'completed', code: 'print(1)', container_id: 'c' };
const picture = { id: 'ig_1', type: 'image_generation_call', status: 'completed', result: 'AAAA', revised_prompt: 'r' };
const remote = { id: 'mcp_1', type: 'mcp_call', name: 'n', server_label: 'sl', arguments: '{}', output: 'oo' };
const refusalPart = { type: 'refusal', refusal: 'hello' };
const inThoughts = { item_id: 'rs_1', output_index: 0 };
const inText = { item_id: 'msg_1', output_index: 1, content_index: 0 };
const inRefusal = { item_id: 'msg_2', output_index: 5, content_index: 0 };
const added = (index: number, item: Json): ProviderFrame =>
  typed('response.output_item.added', { output_index: index, item });
const done = (index: number, item: Json): ProviderFrame =>
  typed('response.output_item.done', { output_index: index, item });

const responses: readonly ProviderFrame[] = [
  typed('response.created', { response }),
  typed('response.in_progress', { response }),
  added(0, { id: 'rs_1', type: 'reasoning', summary: [] }),
  typed('response.reasoning_summary_part.added', {
    ...inThoughts,
    summary_index: 0,
    part: { type: 'summary_text', text: '' },
  }),
  typed('response.reasoning_summary_text.delta', {
    ...inThoughts,
    summary_index: 0,
    delta: 'hello ',
    obfuscation: 'x',
  }),
  typed('response.reasoning_summary_text.delta', { ...inThoughts, summary_index: 0, delta: 'world' }),
  typed('response.reasoning_summary_text.done', { ...inThoughts, summary_index: 0, text: 'hello world' }),
  typed('response.reasoning_text.delta', { ...inThoughts, content_index: 0, delta: 'hello world' }),
  done(0, thoughts),
  added(1, { ...message, status: 'in_progress', content: [] }),
  typed('response.content_part.added', { ...inText, part: { type: 'output_text', text: '', annotations: [] } }),
  typed('response.output_text.delta', { ...inText, delta: 'hello ', logprobs: [], obfuscation: 'ab' }),
  typed('response.output_text.delta', { ...inText, delta: 'world', logprobs: [] }),
  typed('response.output_text.delta', { ...inText, delta: ' y', logprobs: [{ token: 'y', logprob: -1, bytes: [1] }] }),
  typed('response.output_text.annotation.added', { ...inText, annotation_index: 0, annotation: cited }),
  typed('response.output_text.done', { ...inText, text: 'hello world y', logprobs: [] }),
  typed('response.content_part.done', { ...inText, part: said }),
  done(1, { ...message, status: 'completed', content: [said] }),
  added(2, { ...call, status: 'in_progress', arguments: '' }),
  typed('response.function_call_arguments.delta', { item_id: 'fc_1', output_index: 2, delta: '{"a":1}' }),
  typed('response.function_call_arguments.done', { item_id: 'fc_1', output_index: 2, arguments: '{"a":1}' }),
  done(2, { ...call, status: 'completed', arguments: '{"a":1}' }),
  added(3, { ...search, status: 'in_progress' }),
  typed('response.web_search_call.searching', { item_id: 'ws_1', output_index: 3 }),
  done(3, search),
  added(4, { ...program, status: 'in_progress', code: '' }),
  typed('response.code_interpreter_call_code.delta', { item_id: 'ci_1', output_index: 4, delta: 'print(1)' }),
  done(4, program),
  added(5, { ...refused, content: [] }),
  typed('response.refusal.delta', { ...inRefusal, delta: 'hello' }),
  typed('response.refusal.done', { ...inRefusal, refusal: 'hello' }),
  done(5, { ...refused, content: [refusalPart] }),
  added(6, { ...picture, status: 'in_progress', result: null }),
  done(6, picture),
  added(7, { ...remote, arguments: '' }),
  typed('response.mcp_call_arguments.delta', { item_id: 'mcp_1', output_index: 7, delta: '{}' }),
  done(7, remote),
  typed('response.audio.transcript.delta', { delta: 'trans' }),
  typed('response.completed', {
    response: {
      ...response,
      status: 'completed',
      output: [thoughts, { ...message, content: [said] }, { ...refused, content: [refusalPart] }, search],
      usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
    },
  }),
].map(({ event, data }, number) => frame(event, { sequence_number: number, ...(data as Json) }));

const blockStart = (index: number, block: Json): ProviderFrame =>
  typed('content_block_start', { index, content_block: block });
const blockDelta = (index: number, delta: Json): ProviderFrame => typed('content_block_delta', { index, delta });
const blockStop = (index: number): ProviderFrame => typed('content_block_stop', { index });

const anthropic: readonly ProviderFrame[] = [
  typed('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 1, service_tier: 'standard' },
    },
  }),
  typed('ping'),
  blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
  blockDelta(0, { type: 'thinking_delta', thinking: 'hello ' }),
  blockDelta(0, { type: 'thinking_delta', thinking: 'world' }),
  blockDelta(0, { type: 'signature_delta', signature: 'SIG' }),
  blockStop(0),
  blockStart(1, { type: 'redacted_thinking', data: 'RED' }),
  blockStop(1),
  blockStart(2, { type: 'text', text: '' }),
  blockDelta(2, { type: 'text_delta', text: 'hello ' }),
  blockDelta(2, { type: 'text_delta', text: 'wor' }),
  blockDelta(2, { type: 'text_delta', text: 'ld' }),
  blockDelta(2, {
    type: 'citations_delta',
    citation: { type: 'web_search_result_location', url: 'https://u.invalid', title: 'tt', cited_text: 'ct' },
  }),
  blockStop(2),
  blockStart(3, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }),
  blockDelta(3, { type: 'input_json_delta', partial_json: '{"a":1}' }),
  blockStop(3),
  blockStart(4, { type: 'server_tool_use', id: 'srv_1', name: 'web_search', input: {} }),
  blockDelta(4, { type: 'input_json_delta', partial_json: '{"q":1}' }),
  blockStop(4),
  blockStart(5, {
    type: 'web_search_tool_result',
    tool_use_id: 'srv_1',
    content: [{ type: 'web_search_result', title: 'tt', url: 'https://u.invalid', encrypted_content: 'E' }],
  }),
  blockStop(5),
  blockStart(6, { type: 'text', text: 'hello world' }),
  blockStop(6),
  blockStart(7, { type: 'compaction', content: 'cc' }),
  blockDelta(7, { type: 'compaction_delta', content: 'cc' }),
  blockStop(7),
  typed('message_delta', {
    delta: {
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details: { type: 'refusal', category: 'cyber', explanation: 'expl' },
      container: { id: 'cc', expires_at: 'e' },
    },
    usage: { output_tokens: 5, server_tool_use: { web_search_requests: 1 } },
    context_management: { applied_edits: [] },
  }),
  typed('message_stop'),
];

const identity = { modelVersion: 'gm', responseId: 'r1' };
const chunk = (parts: readonly Json[], candidate: Json = {}, top: Json = {}): ProviderFrame =>
  frame('', { candidates: [{ content: { parts, role: 'model' }, index: 0, ...candidate }], ...identity, ...top });

const gemini: readonly ProviderFrame[] = [
  chunk([{ text: 'hello ', thought: true }], {}, { usageMetadata: { promptTokenCount: 1, totalTokenCount: 1 } }),
  chunk([{ text: 'world', thought: true }]),
  chunk([{ text: 'hello ' }]),
  chunk([{ text: 'wor' }]),
  chunk([{ text: 'ld' }]),
  chunk([{ text: 'x', thoughtSignature: 'U0lH' }], {
    safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'LOW' }],
  }),
  chunk([{ functionCall: { id: 'fid', name: 'f', args: { a: 'v' } }, thoughtSignature: 'U0lH' }]),
  chunk([
    { executableCode: { language: 'PYTHON', code: 'print(1)' } },
    { codeExecutionResult: { outcome: 'OUTCOME_OK', output: 'oo' } },
    { inlineData: { mimeType: 'image/png', data: 'AAAA', displayName: 'dn' } },
    { fileData: { mimeType: 'image/png', fileUri: 'https://f.invalid/x' } },
  ]),
  chunk(
    [{ text: 'z' }],
    {
      finishReason: 'STOP',
      finishMessage: 'fm',
      logprobsResult: { chosenCandidates: [{ token: 'z', tokenId: 1, logProbability: -1 }] },
      citationMetadata: { citationSources: [{ startIndex: 0, endIndex: 1, uri: 'https://c.invalid', license: 'l' }] },
      groundingMetadata: {
        webSearchQueries: ['q'],
        searchEntryPoint: { renderedContent: 'rc' },
        groundingChunks: [{ web: { uri: 'https://g.invalid', title: 'gt' } }],
        groundingSupports: [{ segment: { startIndex: 0, endIndex: 1, text: 'z' }, groundingChunkIndices: [0] }],
      },
    },
    { usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 } },
  ),
];

const line = (fields: Json, more: Json = {}): ProviderFrame =>
  frame('', {
    model: 'q',
    created_at: '2026-01-01T00:00:00Z',
    message: { role: 'assistant', content: '', ...fields },
    done: false,
    ...more,
  });

const ollama: readonly ProviderFrame[] = [
  line({ thinking: 'hello ' }),
  line({ thinking: 'world' }),
  line({ content: 'hello ' }),
  line({ content: 'wor' }),
  line({ content: 'ld' }),
  line({ content: 't' }, { logprobs: [{ token: 't', logprob: -1, bytes: [1], top_logprobs: [] }] }),
  line({ tool_calls: [{ id: 'c1', function: { index: 0, name: 'f', arguments: { a: 'v' } } }] }),
  line({ images: ['AAAA'] }),
  line({}, { done: true, done_reason: 'stop', total_duration: 1, prompt_eval_count: 1, eval_count: 2 }),
];

const part = (type: string, says?: Json, index?: number): ProviderFrame =>
  typed(type, { ...(index !== undefined && { index }), ...(says && { delta: { message: says } }) });

const cohere: readonly ProviderFrame[] = [
  typed('message-start', { id: 'i1', delta: { message: { role: 'assistant', content: [], tool_plan: '' } } }),
  part('tool-plan-delta', { tool_plan: 'hello ' }),
  part('tool-plan-delta', { tool_plan: 'world' }),
  part('content-start', { content: { type: 'thinking', thinking: '' } }, 0),
  part('content-delta', { content: { thinking: 'hello' } }, 0),
  part('content-end', undefined, 0),
  part('content-start', { content: { type: 'text', text: '' } }, 1),
  part('content-delta', { content: { text: 'hello ' } }, 1),
  part('content-delta', { content: { text: 'world' } }, 1),
  part('content-end', undefined, 1),
  part('citation-start', {
    citations: { start: 0, end: 1, text: 'h', content_index: 1, type: 'TEXT_CONTENT', sources: [{ id: 'd' }] },
  }),
  part('tool-call-start', { tool_calls: { id: 't1', type: 'function', function: { name: 'f', arguments: '' } } }, 0),
  part('tool-call-delta', { tool_calls: { function: { arguments: '{"a":1}' } } }, 0),
  part('tool-call-end', undefined, 0),
  typed('message-end', {
    delta: { finish_reason: 'COMPLETE', usage: { tokens: { input_tokens: 1, output_tokens: 1 } } },
  }),
  frame('', '[DONE]'),
];

const delta = (index: number, says: Json): ProviderFrame =>
  frame('contentBlockDelta', { contentBlockIndex: index, delta: says, p: 'ab' });
const start = (index: number, says: Json): ProviderFrame =>
  frame('contentBlockStart', { contentBlockIndex: index, start: says });
const stop = (index: number): ProviderFrame => frame('contentBlockStop', { contentBlockIndex: index });

const bedrock: readonly ProviderFrame[] = [
  frame('messageStart', { role: 'assistant', p: 'ab' }),
  delta(0, { reasoningContent: { text: 'hello world' } }),
  delta(0, { reasoningContent: { signature: 'SIG' } }),
  stop(0),
  delta(1, { reasoningContent: { redactedContent: 'UkVE' } }),
  stop(1),
  delta(2, { text: 'hello ' }),
  delta(2, { text: 'world' }),
  delta(2, {
    citation: { title: 'tt', sourceContent: [{ text: 'sc' }], location: { web: { url: 'https://u.invalid' } } },
  }),
  stop(2),
  start(3, { toolUse: { toolUseId: 't1', name: 'f' } }),
  delta(3, { toolUse: { input: '{"a":1}' } }),
  stop(3),
  start(4, { toolUse: { toolUseId: 't2', name: 'g', type: 'server_tool_use' } }),
  delta(4, { toolUse: { input: '{}' } }),
  stop(4),
  start(5, { toolResult: { toolUseId: 't2', type: 'nova_x', status: 'success' } }),
  delta(5, { toolResult: [{ text: 'rr' }] }),
  stop(5),
  start(6, { image: { format: 'png' } }),
  delta(6, { image: { source: { bytes: 'AAAA' } } }),
  stop(6),
  frame('messageStop', { stopReason: 'end_turn', additionalModelResponseFields: { delta: { stop_sequence: 'ss' } } }),
  frame('metadata', {
    usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
    metrics: { latencyMs: 1 },
    trace: { guardrail: { actionReason: 'ar', inputAssessment: { g: { topicPolicy: { topics: [{ name: 'tn' }] } } } } },
  }),
];

/** The frames of each provider, by the type of its backend. */
export const richAnswers = {
  'openai-chat': openaiChat,
  'openai-responses': responses,
  'anthropic-messages': anthropic,
  gemini,
  ollama,
  cohere,
  'bedrock-converse': bedrock,
} as const satisfies Readonly<Record<string, readonly ProviderFrame[]>>;
export type ProviderName = keyof typeof richAnswers;
export const providerNames = Object.keys(richAnswers) as readonly ProviderName[];
