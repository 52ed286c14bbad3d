import type { NeutralClient, NeutralMessage, NeutralRequest } from '../neutral.ts';
import { framesOf } from './event-stream.ts';
import { settleResponse } from './openai-responses/read-response.ts';
import { ResponseStream } from './openai-responses/response-stream.ts';
import { compact, object, parse, reading, text, unseal, filled, given, type Json } from './strict.ts';

/** As openai-node writes and accumulates. */
export const openAiResponsesClient: NeutralClient = {
  dialect: 'openai-responses',
  can: { reasoning: true, signature: true },
  lacks: ['topK', 'stop', 'seed', 'isError'],
  request: (request, stream) => ({
    path: 'v1/responses',
    headers: { authorization: 'Bearer key', 'content-type': 'application/json', accept: 'application/json' },
    body: writeBody(request, stream),
  }),
  readStream: (bytes) =>
    reading((draft) => {
      const stream = new ResponseStream();
      try {
        for (const { event, data } of framesOf(bytes)) stream.frame(event, object(parse(data), 'an event'));
        stream.end();
      } finally {
        settleResponse(stream.response, draft);
      }
    }),
  readDocument: (body) => reading((draft) => settleResponse(object(parse(body), 'the document'), draft)),
  readError,
};

function writeBody(request: NeutralRequest, stream: boolean): Json {
  const { messages, toolChoice, schema } = request;
  const [first, ...others] = messages;
  const instructions = first?.role === 'system' ? first.text : undefined;
  return compact({
    model: 'test-model',
    instructions,
    input: (instructions === undefined ? messages : others).flatMap(writeItems),
    tools: request.tools?.map(({ name, description, parameters }) =>
      compact({ type: 'function', name, description, parameters, strict: false }),
    ),
    tool_choice: typeof toolChoice === 'object' ? { type: 'function', name: toolChoice.name } : toolChoice,
    parallel_tool_calls: request.parallelToolCalls,
    temperature: request.temperature,
    top_p: request.topP,
    max_output_tokens: request.maxOutputTokens,
    text: schema && { format: { type: 'json_schema', name: 'answer', schema, strict: true } },
    ...(request.reasoning === true && {
      reasoning: { effort: 'medium', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      store: false,
    }),
    ...(stream && { stream }),
  });
}

function writeItems(message: NeutralMessage): readonly unknown[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.text }];
    case 'user':
      return [{ role: 'user', content: writeParts(message.parts) }];
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.callId, output: message.text }];
    case 'assistant': {
      const { text: words, reasoning, toolCalls = [] } = message;
      const replay = unseal(reasoning?.signature);
      if (Array.isArray(replay)) return replay as unknown[];
      return [
        ...(words === undefined ? [] : [{ role: 'assistant', content: words }]),
        ...toolCalls.map(({ id, name, arguments: json }) => ({
          type: 'function_call',
          call_id: id,
          name,
          arguments: JSON.stringify(json),
        })),
      ];
    }
  }
}

function writeParts(parts: Extract<NeutralMessage, { role: 'user' }>['parts']): unknown {
  const [first] = parts;
  if (parts.length === 1 && first?.type === 'text') return first.text;
  return parts.map((part) => {
    if (part.type === 'text') return { type: 'input_text', text: part.text };
    const url = part.type === 'image' ? `data:${part.mediaType};base64,${part.base64}` : part.url;
    return { type: 'input_image', image_url: url, detail: 'auto' };
  });
}

function readError(body: string): ReturnType<NeutralClient['readError']> {
  const error = object(object(parse(body), 'the body of an error')['error'], 'error');
  const { code } = error;
  return {
    message: filled(error['message'], 'message of the error'),
    type: filled(error['type'], 'type of the error'),
    ...(given(code) && { code: text(code, 'code') }),
  };
}
