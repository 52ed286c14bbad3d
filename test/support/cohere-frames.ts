type Json = Readonly<Record<string, unknown>>;

/*
 * Frames of a streamed answer of Cohere's v2 chat API, as documents.
 */

export const frame = (type: string, message?: Json, index?: number): Json => ({
  type,
  ...(index !== undefined && { index }),
  ...(message && { delta: { message } }),
});
export const start: Json = {
  id: 'a-1',
  ...frame('message-start', { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] }),
};
export const begin = (index: number, type = 'text'): Json =>
  frame('content-start', { content: { type, [type]: '' } }, index);
export const piece = (index: number, text: string, field = 'text'): Json =>
  frame('content-delta', { content: { [field]: text } }, index);
export const endOf = (index: number): Json => frame('content-end', undefined, index);
export const plan = (text: string): Json => frame('tool-plan-delta', { tool_plan: text });
export const callStart = (index: number, name: string, args = ''): Json =>
  frame(
    'tool-call-start',
    { tool_calls: { id: `${name}_1`, type: 'function', function: { name, arguments: args } } },
    index,
  );
export const callDelta = (index: number, args: string): Json =>
  frame('tool-call-delta', { tool_calls: { function: { arguments: args } } }, index);
export const callEnd = (index: number): Json => frame('tool-call-end', undefined, index);
export const usage = {
  billed_units: { input_tokens: 5, output_tokens: 3 },
  tokens: { input_tokens: 17, output_tokens: 4 },
  cached_tokens: 12,
};
export const end = (reason: string | undefined = 'COMPLETE', fields: Json = {}): Json => ({
  type: 'message-end',
  delta: { ...(reason !== '' && { finish_reason: reason }), usage, ...fields },
});
