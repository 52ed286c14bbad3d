/** What an error is about. Encoders map it to the error type of their dialect. */
export type ErrorKind =
  | 'invalid_request'
  | 'authentication'
  | 'permission'
  | 'not_found'
  | 'too_large'
  | 'rate_limit'
  | 'content_filter'
  | 'gateway'
  | 'upstream'
  | 'overloaded'
  | 'timeout'
  | 'client';

export interface ErrorEntry {
  /** HTTP status while the head is not yet sent. 499 is never sent: that client is gone. */
  readonly status: number;
  readonly kind: ErrorKind;
  /** True when the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** Text for the client; `{name}` is filled from the error's details. Holds no secret, prompt or address. */
  readonly message: string;
  /** What the caller, or the operator, should do. */
  readonly remedy: string;
}

/**
 * Every failure that Sluice can report, once. `docs/errors.md` is generated from this table; a code is never
 * renamed, because clients, alerts and dashboards key on it.
 */
export const errorTable = {
  REQUEST_MALFORMED: { status: 400, kind: 'invalid_request', retryable: false, message: 'The request is not valid HTTP.', remedy: 'Send an HTTP/1.1 request.' },
  HEAD_TOO_LARGE: { status: 431, kind: 'too_large', retryable: false, message: 'The head of the request is too large.', remedy: 'Send fewer or shorter headers.' },
  BODY_INVALID: { status: 400, kind: 'invalid_request', retryable: false, message: 'The body is not valid JSON: {reason}.', remedy: 'Send one JSON object in UTF-8.' },
  JSON_TOO_DEEP: { status: 400, kind: 'invalid_request', retryable: false, message: 'The JSON is nested deeper than {limit} levels.', remedy: 'Flatten the document.' },
  BODY_TOO_LARGE: { status: 413, kind: 'too_large', retryable: false, message: 'The body is larger than {limit} bytes.', remedy: 'Send less, or raise inbound.maxBodyBytes of the pipeline.' },
  BODY_TIMEOUT: { status: 408, kind: 'client', retryable: true, message: 'The request did not arrive within {seconds} s.', remedy: 'Send the request faster.' },
  CONTENT_TYPE_UNSUPPORTED: { status: 415, kind: 'invalid_request', retryable: false, message: 'The content type must be application/json.', remedy: 'Set content-type: application/json.' },
  METHOD_NOT_ALLOWED: { status: 405, kind: 'invalid_request', retryable: false, message: 'This path takes {allowed}, not {method}.', remedy: 'Use the method named in the Allow header.' },
  ROUTE_UNKNOWN: { status: 404, kind: 'not_found', retryable: false, message: 'There is nothing at this path.', remedy: 'Check the path: the README lists all, such as POST /pipelines/NAME/chat and POST /pipelines/NAME/v1/chat/completions.' },
  REQUEST_INVALID: { status: 400, kind: 'invalid_request', retryable: false, message: '{field}: {reason}', remedy: 'Correct the field that the message names.' },
  REQUEST_BLOCKED: { status: 400, kind: 'content_filter', retryable: false, message: 'The request was blocked by the rule "{rule}" of this pipeline.', remedy: 'Change the request; the rule is set by the author of the pipeline.' },
  PIPELINE_NAME_INVALID: { status: 400, kind: 'invalid_request', retryable: false, message: 'A pipeline name is made of a-z, 0-9 and "-", starts with a letter and has at most 63 characters.', remedy: 'Correct the name in the path.' },
  PIPELINE_UNKNOWN: { status: 404, kind: 'not_found', retryable: false, message: 'There is no pipeline "{name}".', remedy: 'Check the name in the path; a pipeline is the file NAME.json in the pipelines folder.' },
  DIALECT_NOT_ACCEPTED: { status: 404, kind: 'not_found', retryable: false, message: 'The pipeline "{name}" does not accept the format {dialect}.', remedy: 'Use a path of an accepted format, or list it in inbound.formats.' },
  MODEL_UNKNOWN: { status: 404, kind: 'not_found', retryable: false, message: 'There is no model "{model}" here. Known: {known}.', remedy: 'Leave the model out, or name the pipeline, a backend or a backend\'s model.' },
  DEFINITION_INVALID: { status: 503, kind: 'gateway', retryable: true, message: 'The pipeline "{name}" has no valid definition ({count} errors).', remedy: 'The operator finds the errors in the log and corrects the file; it is loaded at once.' },
  UPSTREAM_CONNECT: { status: 502, kind: 'upstream', retryable: true, message: 'The model provider could not be reached.', remedy: 'Try again; the operator checks the address and the network of the backend.' },
  UPSTREAM_CONNECT_TIMEOUT: { status: 504, kind: 'timeout', retryable: true, message: 'The model provider did not accept a connection in time.', remedy: 'Try again; the operator checks timeouts.connect of the backend.' },
  UPSTREAM_DNS: { status: 502, kind: 'upstream', retryable: true, message: 'The host of the model provider could not be resolved.', remedy: 'The operator checks the host name of the backend.' },
  UPSTREAM_TLS: { status: 502, kind: 'upstream', retryable: false, message: 'No trusted TLS connection to the model provider was possible.', remedy: 'The operator checks the certificate of the backend.' },
  UPSTREAM_HEADERS_TIMEOUT: { status: 504, kind: 'timeout', retryable: true, message: 'The model provider did not answer in time.', remedy: 'Try again; the operator may raise timeouts.headers of the backend.' },
  UPSTREAM_FIRST_TOKEN_TIMEOUT: { status: 504, kind: 'timeout', retryable: true, message: 'The model provider sent no first token in time.', remedy: 'Try again; the operator may raise timeouts.firstToken of the backend.' },
  UPSTREAM_STALLED: { status: 504, kind: 'timeout', retryable: true, message: 'The model provider stopped sending.', remedy: 'Try again. What was received is incomplete.' },
  UPSTREAM_NO_PROGRESS: { status: 504, kind: 'timeout', retryable: true, message: 'The model provider kept the stream open but sent no content.', remedy: 'Try again. What was received is incomplete.' },
  UPSTREAM_RESET: { status: 502, kind: 'upstream', retryable: true, message: 'The model provider broke the connection.', remedy: 'Try again. What was received is incomplete.' },
  UPSTREAM_TRUNCATED: { status: 502, kind: 'upstream', retryable: true, message: 'The answer of the model provider ended before it was complete.', remedy: 'Try again. What was received is incomplete.' },
  UPSTREAM_BAD_FRAME: { status: 502, kind: 'upstream', retryable: true, message: 'The model provider sent an event that is not valid.', remedy: 'Try again; the operator finds the reason in the log.' },
  UPSTREAM_BAD_CONTENT: { status: 502, kind: 'upstream', retryable: true, message: 'The model provider answered with something that is no model answer.', remedy: 'The operator checks baseUrl of the backend.' },
  UPSTREAM_ERROR: { status: 502, kind: 'upstream', retryable: true, message: 'The model provider reported an error.', remedy: 'Try again; the operator finds the provider\'s own words in the log at level debug.' },
  UPSTREAM_RATE_LIMITED: { status: 429, kind: 'rate_limit', retryable: true, message: 'The model provider limits the rate of requests.', remedy: 'Wait for the time given in Retry-After, then try again.' },
  UPSTREAM_OVERLOADED: { status: 503, kind: 'overloaded', retryable: true, message: 'The model provider is overloaded.', remedy: 'Try again later.' },
  UPSTREAM_AUTH: { status: 502, kind: 'upstream', retryable: false, message: 'The model provider refused the credential of this gateway.', remedy: 'The operator checks the token provider that the log names; after a 403, what its account may do.' },
  UPSTREAM_5XX: { status: 502, kind: 'upstream', retryable: true, message: 'The model provider failed with status {status}.', remedy: 'Try again.' },
  UPSTREAM_REJECTED: { status: 400, kind: 'invalid_request', retryable: false, message: 'The model provider rejected the request: {reason}', remedy: 'Correct the request.' },
  FRAME_TOO_LARGE: { status: 502, kind: 'upstream', retryable: false, message: 'The model provider sent one event of more than {limit} bytes.', remedy: 'The operator may raise limits.maxFrameBytes of the pipeline.' },
  ANSWER_TOO_LARGE: { status: 502, kind: 'upstream', retryable: false, message: 'The answer is larger than {limit} bytes.', remedy: 'Ask for less, or raise limits.maxAnswerBytes of the pipeline.' },
  STREAM_TOO_LONG: { status: 504, kind: 'timeout', retryable: false, message: 'The answer took longer than {seconds} s.', remedy: 'Ask for less, or raise limits.maxStreamDuration of the pipeline.' },
  EGRESS_BLOCKED: { status: 502, kind: 'upstream', retryable: false, message: 'The address of the model provider is not allowed.', remedy: 'The operator sets "network": "private" in the backend, or in the token provider whose server it is, if that is meant to be on a private network.' },
  CREDENTIAL_ORIGIN_MISMATCH: { status: 500, kind: 'gateway', retryable: false, message: 'The credential is not meant for the origin of this backend.', remedy: 'The operator checks origins of the token provider.' },
  TOKEN_UNAVAILABLE: { status: 503, kind: 'gateway', retryable: true, message: 'No credential for the model provider could be had.', remedy: 'Try again; the operator checks the token provider that the log names.' },
  TOKEN_INVALID: { status: 503, kind: 'gateway', retryable: true, message: 'What was had as a credential for the model provider is not usable.', remedy: 'Try again; the operator checks the token provider that the log names.' },
  CALLER_KEY_MISSING: { status: 401, kind: 'authentication', retryable: false, message: 'This pipeline works with a key of yours, which is expected in {headers}.', remedy: 'Send the key that the provider of the model gave you.' },
  CALLER_KEY_REFUSED: { status: 401, kind: 'authentication', retryable: false, message: 'The token that you sent was not accepted for the use of this pipeline.', remedy: 'Sign in again and send a new token; the operator finds the reason in the log.' },
  PROCESSOR_FAILED: { status: 500, kind: 'gateway', retryable: false, message: 'A processor of the pipeline failed.', remedy: 'The operator finds its name and the reason in the log.' },
  PROCESSOR_TIMEOUT: { status: 504, kind: 'timeout', retryable: true, message: 'A processor of the pipeline took too long.', remedy: 'Try again; the operator may raise its timeout.' },
  PROCESSOR_FLOOD: { status: 500, kind: 'gateway', retryable: false, message: 'A processor of the pipeline produced more than {limit}.', remedy: 'The operator corrects the processor.' },
  MODERATION_UNAVAILABLE: { status: 503, kind: 'gateway', retryable: true, message: 'The answer could not be checked.', remedy: 'Try again; the operator checks the service that the moderation of this pipeline asks.' },
  MODIFIER_FAILED: { status: 500, kind: 'gateway', retryable: false, message: 'A modifier of the pipeline failed.', remedy: 'The operator finds its name and the reason in the log.' },
  EVENT_ORDER: { status: 500, kind: 'gateway', retryable: false, message: 'A component of the pipeline broke the order of events: {reason}.', remedy: 'The operator corrects the component that the log names.' },
  CLIENT_GONE: { status: 499, kind: 'client', retryable: false, message: 'The client closed the connection.', remedy: 'None: seen in the log only.' },
  CLIENT_SLOW: { status: 499, kind: 'client', retryable: false, message: 'The client stopped reading for {seconds} s.', remedy: 'Read faster, or raise output.clientStall of the pipeline.' },
  OVERLOADED: { status: 503, kind: 'overloaded', retryable: true, message: 'This gateway serves as many streams as it may.', remedy: 'Wait for the time given in Retry-After, then try again.' },
  DRAINING: { status: 503, kind: 'overloaded', retryable: true, message: 'This gateway is shutting down.', remedy: 'Try again: another instance takes over.' },
  ADMIN_HOST_REFUSED: { status: 421, kind: 'invalid_request', retryable: false, message: 'The admin API does not answer for this host.', remedy: 'Ask 127.0.0.1, localhost, [::1] or the host of SLUICE_ADMIN_HOST.' },
  ADMIN_ORIGIN_REFUSED: { status: 403, kind: 'permission', retryable: false, message: 'The admin API is not for pages in a browser.', remedy: 'Send no Origin header: use a command line or a server.' },
  ADMIN_KEY_INVALID: { status: 401, kind: 'authentication', retryable: false, message: 'The admin API needs its key.', remedy: 'Send the key of SLUICE_ADMIN_KEY or SLUICE_ADMIN_KEY_FILE as "Authorization: Bearer KEY".' },
  INTERNAL: { status: 500, kind: 'gateway', retryable: false, message: 'Sluice failed.', remedy: 'Report it with the request id.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;
