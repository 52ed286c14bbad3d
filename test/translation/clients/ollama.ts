import type { NeutralClient, NeutralFinish, NeutralMessage, NeutralRequest } from '../neutral.ts';
import { utf8 } from './event-stream.ts';
import {
  compact,
  count,
  demand,
  filled,
  given,
  list,
  object,
  parse,
  reading,
  ReportedError,
  text,
  type Draft,
  type Json,
} from './strict.ts';

/** As the `ollama` package writes and reads `/api/chat`. */
export const ollamaClient: NeutralClient = {
  dialect: 'ollama',
  can: { reasoning: true, signature: false },
  lacks: ['parallelToolCalls', 'toolChoice', 'imageUrl', 'isError', 'callIds'],
  request: (request, stream) => ({
    path: 'api/chat',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: writeBody(request, stream),
  }),
  readStream: (bytes) => reading((draft) => readStream(bytes, draft)),
  readDocument: (body) =>
    reading((draft) => {
      const line = readLine(object(parse(body), 'the document'), draft);
      demand(line['done'] === true, 'a document that is not done');
    }),
  readError: (body) => errorOf(object(parse(body), 'the body of an error')),
};

function writeBody(request: NeutralRequest, stream: boolean): Json {
  const options = compact({
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    num_predict: request.maxOutputTokens,
    stop: request.stop,
    seed: request.seed,
  });
  return compact({
    model: 'test-model',
    messages: writeMessages(request.messages),
    stream,
    tools: request.tools?.map((tool) => ({ type: 'function', function: compact({ ...tool }) })),
    format: request.schema,
    think: request.reasoning,
    options: Object.keys(options).length === 0 ? undefined : options,
  });
}

function writeMessages(messages: readonly NeutralMessage[]): readonly Json[] {
  const names = new Map<string, string>();
  return messages.map((message) => {
    switch (message.role) {
      case 'system':
        return { role: 'system', content: message.text };
      case 'user': {
        const words = message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
        const images = message.parts.flatMap((part) => (part.type === 'image' ? [part.base64] : []));
        return { role: 'user', content: words, ...(images.length > 0 && { images }) };
      }
      case 'tool':
        return { role: 'tool', tool_name: names.get(message.callId) ?? '', content: message.text };
      case 'assistant':
        for (const { id, name } of message.toolCalls ?? []) names.set(id, name);
        return compact({
          role: 'assistant',
          content: message.text ?? '',
          thinking: message.reasoning?.text,
          tool_calls: message.toolCalls?.map(({ name, arguments: json }) => ({ function: { name, arguments: json } })),
        });
    }
  });
}

function readStream(bytes: Buffer, draft: Draft): void {
  const lines = utf8(bytes).split('\n');
  demand(lines.pop() === '', 'the last line is not ended');
  let isDone = false;
  for (const words of lines) {
    demand(!isDone, `a line behind done: ${words}`);
    // The client skips lines of nothing.
    if (words.trim() === '') continue;
    isDone = readLine(object(parse(words), 'a line'), draft)['done'] === true;
  }
  demand(isDone, 'Did not receive done or success response in stream.');
}

function readLine(line: Json, draft: Draft): Json {
  if ('error' in line) throw new ReportedError(errorOf(line));
  filled(line['model'], 'model');
  demand(!Number.isNaN(Date.parse(filled(line['created_at'], 'created_at'))), 'created_at is no time');
  demand(typeof line['done'] === 'boolean', 'done is missing');
  const message = object(line['message'], 'message');
  demand(message['role'] === 'assistant', 'a message without its role');
  draft.text += text(message['content'], 'content');
  if (given(message['thinking'])) draft.reasoning += text(message['thinking'], 'thinking');
  for (const value of list(message['tool_calls'] ?? [], 'tool_calls')) {
    const call = object(object(value, 'tool call')['function'], 'function');
    draft.toolCalls.push({
      id: `by-place-${draft.toolCalls.length}`,
      name: filled(call['name'], 'name of a call'),
      arguments: object(call['arguments'], 'arguments'),
    });
  }
  if (line['done']) {
    draft.finish = finishOf(filled(line['done_reason'], 'done_reason'), draft.toolCalls.length > 0);
    draft.usage = {
      ...(given(line['prompt_eval_count']) && { input: count(line['prompt_eval_count'], 'prompt_eval_count') }),
      ...(given(line['eval_count']) && { output: count(line['eval_count'], 'eval_count') }),
    };
  }
  return line;
}

/** The format documents two words; a careful client takes any other as what it says. */
function finishOf(word: string, hasCalls: boolean): NeutralFinish {
  if (word === 'stop') return hasCalls ? 'tool_calls' : 'stop';
  const others: readonly NeutralFinish[] = ['length', 'tool_calls', 'content_filter', 'refusal', 'pause'];
  const finish = others.find((known) => known === word);
  demand(finish !== undefined, `done_reason ${word}`);
  return finish;
}

function errorOf(document: Json): ReturnType<NeutralClient['readError']> {
  return { message: filled(document['error'], 'error') };
}
