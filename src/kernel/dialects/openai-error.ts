import type { ErrorKind } from '../error-table.ts';
import type { SluiceError } from '../errors.ts';
import type { JsonObject } from '../json/json-value.ts';

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

/** The `error` object of OpenAI's formats: its message, type, code and the field that is wrong. */
export function writeOpenAiError(error: SluiceError): JsonObject {
  const { field } = error.details;
  return {
    message: error.message,
    type: errorTypes[error.kind],
    param: error.code === 'REQUEST_INVALID' && typeof field === 'string' ? field : null,
    code: error.code === 'MODEL_UNKNOWN' ? 'model_not_found' : (errorCodes[error.kind] ?? error.code),
  };
}
