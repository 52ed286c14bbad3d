import type { AnswerEvent } from '../../kernel/event.ts';
import { parseBody } from '../../kernel/dialects/provider-document.ts';
import { ResponsesStreamDecoder } from './stream-decoder.ts';

/**
 * The events of a `response` document: those of a stream that had all of it in its last frame. Throws the error that the
 * document reports, or UPSTREAM_BAD_CONTENT where it is no response.
 */
export function decodeResponseBody(body: string, own: boolean): readonly AnswerEvent[] {
  return new ResponsesStreamDecoder(own).document(parseBody(body));
}
