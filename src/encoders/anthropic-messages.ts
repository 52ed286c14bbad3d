import { anthropicMessages } from '../kernel/dialects/anthropic-messages-fields.ts';
import { defineEncoder, type Encoder, type ErrorBody } from '../kernel/component.ts';
import type { ErrorKind } from '../kernel/error-table.ts';
import type { SluiceError } from '../kernel/errors.ts';
import type { JsonObject } from '../kernel/json/json-value.ts';
import { writeAnthropicRateLimits } from '../kernel/dialects/rate-limits.ts';
import { strictObject } from '../kernel/schema.ts';
import { MessageStreamEncoder } from './anthropic-messages/stream-encoder.ts';
import { writeMessage } from './anthropic-messages/write-message.ts';

/** Answers in the Anthropic messages format: named events, documents, errors and the list of models. */
export const anthropicMessagesEncoder = defineEncoder({
  type: anthropicMessages,
  summary: 'Writes answers in the format of the Anthropic messages API.',
  config: strictObject({}),
  needs: [],
  examples: [{ title: 'Events of a message, or one document' }],
  create: (): Encoder => ({
    dialect: anthropicMessages,
    open: (context) => new MessageStreamEncoder(context, writeError),
    encodeAnswer: writeMessage,
    encodeError,
    encodeModels,
    encodeRateLimits: writeAnthropicRateLimits,
  }),
});

/** Error types as Anthropic's clients know them. */
const errorTypes: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
  rate_limit: 'rate_limit_error',
  content_filter: 'invalid_request_error',
  gateway: 'api_error',
  upstream: 'api_error',
  overloaded: 'overloaded_error',
  timeout: 'timeout_error',
  client: 'invalid_request_error',
};
/** Clients of the format know an overload by a status of its own. */
const overloadedStatus = 529;

/** What a provider rejects is named by its status, as Anthropic itself would name it. */
const rejectionTypes: Readonly<Partial<Record<number, string>>> = {
  404: errorTypes.not_found,
  413: errorTypes.too_large,
};

function writeError(error: SluiceError, requestId: string): JsonObject {
  const { kind, status, message, code } = error;
  const type = (kind === 'invalid_request' ? rejectionTypes[status] : undefined) ?? errorTypes[kind];
  return { type: 'error', error: { type, message, code }, request_id: requestId };
}

function encodeError(error: SluiceError, requestId: string): ErrorBody {
  return {
    contentType: 'application/json',
    ...(error.kind === 'overloaded' && { status: overloadedStatus }),
    body: writeError(error, requestId),
  };
}

function encodeModels(
  models: readonly { readonly id: string; readonly created: number; readonly ownedBy: string }[],
): JsonObject {
  const data = models.map(({ id, created }) => ({
    type: 'model',
    id,
    display_name: id,
    created_at: new Date(created * 1_000).toISOString(),
  }));
  return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
