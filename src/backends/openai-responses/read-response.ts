import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import type { SluiceError } from '../../kernel/errors.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { errorFromComplaint, errorFromEvent, errorInDocument } from '../../kernel/dialects/provider-error.ts';

export type Meta = Omit<EventOfType<'response.meta'>, 'type' | 'ext'>;

/** What the response object says about the answer. */
export function readMeta({ id, model, created_at: created, service_tier: tier }: JsonObject): Meta {
  const responseId = filledString(id);
  const modelName = filledString(model);
  const serviceTier = filledString(tier);
  return {
    ...(responseId !== undefined && { responseId }),
    ...(modelName !== undefined && { model: modelName }),
    ...(typeof created === 'number' && created > 0 && { created }),
    ...(serviceTier !== undefined && { serviceTier }),
  };
}

/** Codes of a failed response that blame the request, beside those that say so in the words of every provider. */
const blamesRequest =
  /^(?:invalid_|image_|unsupported_image|empty_image|failed_to_download_image|bio_policy|cyber_policy)/;

/** The error of a response that failed or was cancelled, or undefined. */
export function failureOf(response: JsonObject): SluiceError | undefined {
  const { error, status } = response;
  const found = errorInDocument({ error: isObject(error) ? withType(error) : error });
  if (found !== undefined || (status !== 'failed' && status !== 'cancelled')) return found;
  return errorFromComplaint({ message: `the response is ${status}`, words: '', status: undefined });
}

/** The error of a frame that is one, which holds its fields itself or in `error`. `data` may be anything. */
export function errorOfFrame(data: string): SluiceError {
  let document: unknown;
  try {
    document = JSON.parse(data);
  } catch {
    return errorFromEvent(data);
  }
  const inner = isObject(document) && isObject(document['error']) ? document['error'] : document;
  const found = isObject(inner) ? errorInDocument({ error: withType(inner) }) : undefined;
  return found ?? errorFromEvent(data);
}

/** The error with the type that other APIs give to such codes. */
function withType(error: JsonObject): JsonObject {
  const code = filledString(error['code']);
  return code !== undefined && blamesRequest.test(code) ? { ...error, type: 'invalid_request_error' } : error;
}

/** What filters said of the prompt and of the answer: `content_filters` of Azure, `moderation` of OpenAI. */
export function readSafety({ content_filters: filters, moderation }: JsonObject): AnswerEvent[] {
  const list = Array.isArray(filters) ? filters.filter(isObject) : [];
  const { input, output } = isObject(moderation) ? moderation : {};
  const prompt = [...list.filter((filter) => filter['source_type'] === 'prompt'), ...(isObject(input) ? [input] : [])];
  const completion = [
    ...list.filter((filter) => filter['source_type'] !== 'prompt'),
    ...(isObject(output) ? [output] : []),
  ];
  return [...verdicts('prompt', prompt), ...verdicts('completion', completion)];
}

function verdicts(scope: 'prompt' | 'completion', found: readonly JsonObject[]): AnswerEvent[] {
  if (found.length === 0) return [];
  const blocked = found.some((verdict) => verdict['blocked'] === true);
  return [{ type: 'safety', scope, verdicts: [...found], blocked }];
}
