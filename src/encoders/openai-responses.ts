import type { ChatAnswer } from '../kernel/answer.ts';
import { defineEncoder, type EncodeContext, type Encoder } from '../kernel/component.ts';
import type { JsonObject } from '../kernel/json/json-value.ts';
import { writeOpenAiError } from '../kernel/dialects/openai-error.ts';
import { openaiResponses } from '../kernel/dialects/openai-responses-fields.ts';
import { strictObject } from '../kernel/schema.ts';
import { replayAnswer } from './openai-responses/replay-answer.ts';
import { ResponsesStreamEncoder } from './openai-responses/stream-encoder.ts';

/** Answers in the OpenAI Responses format: events, documents and errors. */
export const openaiResponsesEncoder = defineEncoder({
  type: openaiResponses,
  summary: 'Writes answers in the format of the OpenAI Responses API.',
  config: strictObject({}),
  needs: [],
  examples: [{ title: 'Events of a response, or one document' }],
  create: (): Encoder => ({
    dialect: openaiResponses,
    repeatsRequest: true,
    open: (context) => new ResponsesStreamEncoder(context, writeOpenAiError),
    encodeAnswer,
    encodeError: (error, requestId) => ({
      contentType: 'application/json',
      body: { error: { ...writeOpenAiError(error), request_id: requestId } },
    }),
  }),
});

function encodeAnswer(answer: ChatAnswer, context: EncodeContext): JsonObject {
  const encoder = new ResponsesStreamEncoder(context, writeOpenAiError);
  for (const event of replayAnswer(answer)) encoder.encode(event);
  return encoder.complete();
}
