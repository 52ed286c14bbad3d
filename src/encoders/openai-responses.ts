import type { ChatAnswer } from '../kernel/answer.ts';
import { defineEncoder, type EncodeContext, type Encoder } from '../kernel/component.ts';
import type { ErrorKind } from '../kernel/error-table.ts';
import type { SluiceError } from '../kernel/errors.ts';
import type { JsonObject } from '../kernel/json-value.ts';
import { openaiResponses } from '../kernel/openai-responses-fields.ts';
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
    open: (context) => new ResponsesStreamEncoder(context, writeError),
    encodeAnswer,
    encodeError: (error, requestId) => ({
      contentType: 'application/json',
      body: { error: { ...writeError(error), request_id: requestId } },
    }),
  }),
});

function encodeAnswer(answer: ChatAnswer, context: EncodeContext): JsonObject {
  const encoder = new ResponsesStreamEncoder(context, writeError);
  for (const event of replayAnswer(answer)) encoder.encode(event);
  return encoder.complete();
}

/** Error types as OpenAI's clients know them; `upstream_error` is ours. */
const errorTypes: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'invalid_request_error',
  too_large: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  content_filter: 'invalid_request_error',
  gateway: 'server_error',
  upstream: 'upstream_error',
  overloaded: 'server_error',
  timeout: 'timeout',
  client: 'invalid_request_error',
};
/** Codes that clients of the format act on; everything else has the code of our own table. */
const errorCodes: Partial<Record<ErrorKind, string>> = {
  authentication: 'invalid_api_key',
  rate_limit: 'rate_limit_exceeded',
  content_filter: 'content_filter',
  overloaded: 'overloaded',
};

function writeError(error: SluiceError): JsonObject {
  const { field } = error.details;
  return {
    message: error.message,
    type: errorTypes[error.kind],
    param: error.code === 'REQUEST_INVALID' && typeof field === 'string' ? field : null,
    code: error.code === 'MODEL_UNKNOWN' ? 'model_not_found' : (errorCodes[error.kind] ?? error.code),
  };
}
