import type { AnswerEvent, BlockKind } from './event.ts';
import { isFieldName } from './json/json-value.ts';

/** Kinds of blocks whose name is that of a file, in whatever words. */
const namedFiles: ReadonlySet<BlockKind> = new Set(['image', 'audio', 'file']);
const mediaTypeForm = /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/;

/**
 * What may leave of a frame that is not transparent, while a guard is in the chain: only what the guard can read, and
 * what can hold no text of the answer. Fields that nobody knows, log probabilities, citations, verdicts and repeated
 * wholes could all tell what the guard is to hide, so they stay behind.
 */
export function guardedEvents(events: readonly AnswerEvent[]): AnswerEvent[] {
  return events.flatMap((event) => guarded(event) ?? []);
}

function guarded(event: AnswerEvent): AnswerEvent | undefined {
  const { ext: _unknown, template: _frame, ...known } = event;
  switch (known.type) {
    case 'raw':
    case 'annotation':
      return undefined;
    case 'text.delta': {
      const { logprobs: _tokens, ...rest } = known;
      return rest;
    }
    case 'block.start': {
      const { initial: _whole, name, mediaType, ...rest } = known;
      return {
        ...rest,
        ...(name !== undefined && !namedFiles.has(rest.kind) && { name }),
        ...(mediaType !== undefined && mediaTypeForm.test(mediaType) && { mediaType }),
      };
    }
    case 'media.delta': {
      const { mediaType, ...rest } = known;
      return { ...rest, ...(mediaType !== undefined && mediaTypeForm.test(mediaType) && { mediaType }) };
    }
    case 'block.end': {
      const { final: _whole, ...rest } = known;
      return rest;
    }
    case 'usage': {
      const { raw: _words, serverTools, ...rest } = known;
      const counts = Object.entries(serverTools ?? {}).filter(([name]) => isFieldName(name));
      return { ...rest, ...(counts.length > 0 && { serverTools: Object.fromEntries(counts) }) };
    }
    case 'safety': {
      const { reason: _words, ...rest } = known;
      return { ...rest, verdicts: [] };
    }
    case 'finish': {
      const { stopSequence: _text, refusal: _words, ...rest } = known;
      return rest;
    }
    default:
      return known;
  }
}
