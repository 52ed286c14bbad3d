import { SluiceError } from '../errors.ts';
import { maxJsonDepth, measureJson } from '../json/json-text.ts';
import { isObject, type JsonObject } from '../json/json-value.ts';
import { cleanProviderText, maxLogLength } from './provider-text.ts';

/** A frame that no client should see. `reason` is for the log and holds no word of the content: a guard may have to hide it. */
export function badFrame(reason: string): SluiceError {
  return new SluiceError('UPSTREAM_BAD_FRAME', { context: { reason } });
}

/** An answer that is no answer of the provider's format. What it said in its place is for the log at its most talkative. */
export function badContent(reason: string, upstreamMessage?: string): SluiceError {
  const words = upstreamMessage === undefined ? {} : { upstreamMessage };
  return new SluiceError('UPSTREAM_BAD_CONTENT', { context: { reason, ...words } });
}

/** The JSON object of a frame, and how many strings are in it. Throws UPSTREAM_BAD_FRAME. */
export function parseFrame(data: string): { readonly document: JsonObject; readonly strings: number } {
  let document: unknown;
  try {
    document = JSON.parse(data);
  } catch {
    throw badFrame('the data is no JSON');
  }
  if (!isObject(document)) throw badFrame('the data is no JSON object');
  const { depth, strings } = measureJson(document);
  if (depth > maxJsonDepth) throw badFrame(`the JSON is nested deeper than ${maxJsonDepth} levels`);
  return { document, strings };
}

/** The JSON object of a whole answer. Throws UPSTREAM_BAD_CONTENT. */
export function parseBody(body: string): JsonObject {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    throw badContent('it is no JSON', cleanProviderText(body, maxLogLength));
  }
  if (!isObject(document)) throw badContent('it is no JSON object');
  if (measureJson(document).depth > maxJsonDepth) throw badContent('it is nested too deep');
  return document;
}
