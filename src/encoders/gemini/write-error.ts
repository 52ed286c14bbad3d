import type { SluiceError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';

/** Names of the statuses in Google's APIs (google.rpc.Code), as their clients know them. */
const names: ReadonlyMap<number, string> = new Map([
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [408, 'DEADLINE_EXCEEDED'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [501, 'UNIMPLEMENTED'],
  [504, 'DEADLINE_EXCEEDED'],
]);

/** The document of an error, which is also its chunk in a stream: clients raise it with `code` as the HTTP status. */
export function writeError(error: SluiceError, requestId?: string): JsonObject {
  const { message, status } = error;
  const name = names.get(status) ?? (status < 500 ? 'INVALID_ARGUMENT' : 'UNAVAILABLE');
  return { error: { code: status, message, status: name, details: writeDetails(error, requestId) } };
}

function writeDetails(error: SluiceError, requestId: string | undefined): readonly JsonObject[] {
  const { code, retryAfterSeconds, message } = error;
  const { field } = error.details;
  const isField = code === 'REQUEST_INVALID' && typeof field === 'string';
  return [
    detail('ErrorInfo', { reason: code, domain: 'sluice' }),
    ...(isField ? [detail('BadRequest', { fieldViolations: [{ field, description: message }] })] : []),
    ...(retryAfterSeconds === undefined ? [] : [detail('RetryInfo', { retryDelay: `${retryAfterSeconds}s` })]),
    ...(requestId === undefined ? [] : [detail('RequestInfo', { requestId })]),
  ];
}

function detail(type: string, fields: JsonObject): JsonObject {
  return { '@type': `type.googleapis.com/google.rpc.${type}`, ...fields };
}
