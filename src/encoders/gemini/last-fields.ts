import { writeFinishReason } from '../../kernel/dialects/gemini-fields.ts';
import { unescapeJsonText } from '../../kernel/json/json-text.ts';
import type { EventOfType } from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import { maxCitedLength, writeGrounding, type CitedText } from './grounding.ts';
import type { PartContext } from './parts.ts';
import type { ChoiceState } from './stream-state.ts';

/** What the last chunk of a candidate says beside its parts. The reason is undefined where it was said before. */
export function lastFields(
  choice: ChoiceState,
  context: PartContext,
): { readonly fields: JsonObject; readonly reason: string | undefined } {
  const { finish, finished, textLength } = choice;
  const texts = textLength > maxCitedLength ? undefined : readTexts(choice);
  const grounding = citationFields(choice.annotations, texts, choice.cites, context);
  return {
    fields: { ...choice.fields, ...grounding, ...(finished ? {} : finishFields(finish, choice.fields, context)) },
    reason: finished ? undefined : finishWord(finish, context),
  };
}

/** The citations of a candidate, unless the provider's own metadata says them. */
export function citationFields(
  annotations: readonly EventOfType<'annotation'>[],
  texts: readonly CitedText[] | undefined,
  cites: boolean,
  { run }: PartContext,
): JsonObject {
  if (annotations.length === 0 || cites) return {};
  if (annotations.some(({ url }) => url === undefined)) run.lose('answer.citations');
  const groundingMetadata = writeGrounding(annotations, texts);
  return groundingMetadata === undefined ? {} : { groundingMetadata };
}

/** What a finish says beside its reason. `known` are the provider's own fields. */
export function finishFields(
  finish: EventOfType<'finish'> | undefined,
  known: JsonObject,
  { run, isOwn }: PartContext,
): JsonObject {
  if (finish?.stopSequence !== undefined && !isOwn) run.lose('answer.stop_sequence');
  if (finish?.reason.unified === 'pause') run.lose('answer.pause');
  const explanation = finish?.refusal?.explanation;
  return explanation === undefined || known['finishMessage'] !== undefined ? {} : { finishMessage: explanation };
}

/** An answer that a step of the pipeline made may have no reason; it is complete all the same. */
export function finishWord(finish: EventOfType<'finish'> | undefined, { isOwn }: PartContext): string {
  const { unified = 'stop', raw } = finish?.reason ?? {};
  return isOwn && raw !== undefined ? raw : writeFinishReason(unified);
}

/** Undefined where a text can't be read, or went on behind another one: then nothing is known about its offsets. */
function readTexts({ texts }: ChoiceState): readonly CitedText[] | undefined {
  if (new Set(texts.map(({ blockId }) => blockId)).size < texts.length) return undefined;
  const read = texts.map(({ blockId, json }) => ({ blockId, text: unescapeJsonText(json) }));
  const known = read.flatMap(({ blockId, text }) => (text === undefined ? [] : [{ blockId, text }]));
  return known.length === read.length ? known : undefined;
}
