import type { SluiceError } from '../../kernel/errors.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { errorFromComplaint, errorFromStatus } from '../../kernel/dialects/provider-error.ts';
import type { UpstreamHead } from '../../kernel/upstream.ts';

/** The status that says the class of a failure, by its name in lower case without "Exception". */
const statusByName: ReadonlyMap<string, number> = new Map([
  ['throttling', 429],
  ['toomanyrequests', 429],
  ['servicequotaexceeded', 429],
  ['validation', 400],
  ['resourcenotfound', 404],
  ['conflict', 409],
  ['accessdenied', 403],
  // Amazon answers these with 403; they are about the keys and not about what the keys may do.
  ['unrecognizedclient', 401],
  ['expiredtoken', 401],
  ['invalidsignature', 401],
  ['incompletesignature', 401],
  ['missingauthenticationtoken', 401],
  ['serviceunavailable', 503],
  ['modelnotready', 503],
  ['internalserver', 500],
  ['internalfailure', 500],
]);
/** The model failed, not the service: neither a status of it nor of the request. */
const modelFailed = 424;

/** The failure that a message of the stream reports; `name` is what follows `exception:` or `error:`. */
export function errorFromException(name: string, data: string): SluiceError {
  const document = documentOf(data);
  const original = document['originalStatusCode'];
  // The model's own refusal of the request is told in the service's own words, and those are shown for a 400 only.
  const isOverload = typeof original === 'number' && (original === 429 || (original >= 500 && original <= 599));
  return errorFromComplaint({
    message: messageOf(document) ?? '',
    words: plainName(name),
    status: statusByName.get(plainName(name)) ?? (isOverload ? original : modelFailed),
  });
}

/** Maps an answer with a status of 400 or more. The class is in a header, in the body, or only in the status. */
export function errorFromAnswer(head: UpstreamHead, body: string, wallTime: number): SluiceError {
  const document = documentOf(body);
  const name = head.headers['x-amzn-errortype'] ?? filledString(document['__type']) ?? filledString(document['code']);
  const status = (name === undefined ? undefined : statusByName.get(plainName(name))) ?? head.status;
  const message = messageOf(document);
  return errorFromStatus({ ...head, status }, message === undefined ? body : JSON.stringify({ message }), wallTime);
}

/** `com.amazon.coral.service#ThrottlingException:http://...` as `throttling`. */
function plainName(name: string): string {
  const [bare = ''] = name.slice(name.indexOf('#') + 1).split(':', 1);
  return bare.replace(/(?:Exception|Error)$/i, '').toLowerCase();
}

function messageOf(document: JsonObject): string | undefined {
  return filledString(document['message']) ?? filledString(document['Message']);
}

function documentOf(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
