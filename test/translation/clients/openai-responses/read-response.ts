import type { NeutralFinish } from '../../neutral.ts';
import {
  count,
  demand,
  filled,
  given,
  list,
  object,
  parse,
  ReportedError,
  seal,
  text,
  type Draft,
  type Json,
} from '../strict.ts';

/** Reads a whole `response` object, or as much of it as has come, into a draft. */
export function settleResponse(response: Json | undefined, draft: Draft): void {
  if (response === undefined) return;
  const items = list(response['output'], 'output').map((item) => object(item, 'item'));
  const parts = items.flatMap((item) => (item['type'] === 'message' ? objects(item['content'], 'content') : []));
  draft.text = parts.map((part) => text(part['type'] === 'refusal' ? part['refusal'] : part['text'], 'text')).join('');
  draft.reasoning = items.map((item) => (item['type'] === 'reasoning' ? reasoningOf(item) : '')).join('');
  const status = response['status'];
  if (status === 'in_progress') return;
  checkHead(response, items);
  if (status === 'failed') {
    const error = object(response['error'], 'error');
    throw new ReportedError({ message: filled(error['message'], 'message'), code: filled(error['code'], 'code') });
  }
  const calls = items.filter(({ type }) => type === 'function_call');
  draft.toolCalls = calls.map((call) => ({
    id: filled(call['call_id'], 'call_id'),
    name: filled(call['name'], 'name'),
    arguments: parse(text(call['arguments'], 'arguments')),
  }));
  if (items.some((item) => given(item['encrypted_content']))) draft.signature = seal(items);
  draft.finish = parts.some(({ type }) => type === 'refusal') ? 'refusal' : finishOf(response, calls.length > 0);
  if (given(response['usage'])) draft.usage = usageOf(object(response['usage'], 'usage'));
}

function checkHead(response: Json, items: readonly Json[]): void {
  demand(response['object'] === 'response', `object is ${String(response['object'])}`);
  filled(response['id'], 'id');
  filled(response['model'], 'model');
  count(response['created_at'], 'created_at');
  for (const item of items) {
    filled(item['id'], 'id of an item');
    if (item['type'] === 'message') demand(item['role'] === 'assistant', 'a message without its role');
    demand(item['status'] !== 'in_progress', 'an item in progress at the end');
  }
  const ids = new Set(items.map(({ id }) => id));
  demand(ids.size === items.length, 'two items of one id');
}

const objects = (value: unknown, what: string): readonly Json[] => list(value, what).map((part) => object(part, what));

/** The text of the reasoning itself where it is given, else its summary. */
function reasoningOf(item: Json): string {
  const content = given(item['content']) ? objects(item['content'], 'content') : [];
  const parts = content.length > 0 ? content : objects(item['summary'], 'summary');
  return parts.map((part) => text(part['text'], 'text of the reasoning')).join('');
}

function finishOf(response: Json, hasCalls: boolean): NeutralFinish {
  if (response['status'] === 'completed') return hasCalls ? 'tool_calls' : 'stop';
  demand(response['status'] === 'incomplete', `the status ${String(response['status'])}`);
  const reason = object(response['incomplete_details'], 'incomplete_details')['reason'];
  if (reason === 'max_output_tokens') return 'length';
  demand(reason === 'content_filter', `incomplete for ${String(reason)}`);
  return 'content_filter';
}

function usageOf(usage: Json): NonNullable<Draft['usage']> {
  const input = count(usage['input_tokens'], 'input_tokens');
  const output = count(usage['output_tokens'], 'output_tokens');
  demand(usage['total_tokens'] === input + output, 'total_tokens is no sum');
  return {
    input,
    output,
    cacheRead: count(object(usage['input_tokens_details'], 'input_tokens_details')['cached_tokens'], 'cached_tokens'),
    reasoning: count(
      object(usage['output_tokens_details'], 'output_tokens_details')['reasoning_tokens'],
      'reasoning_tokens',
    ),
  };
}
