import { anthropicMessages, extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { writeUsage } from '../../kernel/dialects/anthropic-messages-usage.ts';
import type { AnswerBlock, ChatAnswer } from '../../kernel/answer.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { contentBlock, formOf, signatureText, toolId, type Form } from './block-form.ts';
import { isOwnAnswer, messageEnd, messageHead, type Meta, type Said } from './message-parts.ts';

/** The one document of an answer: what a client makes of the stream. */
export function writeMessage(answer: ChatAnswer, context: EncodeContext): JsonObject {
  const { meta, choices, usage, safety } = answer;
  const { run } = context;
  const isOwn = isOwnAnswer(meta);
  const [choice, ...others] = choices;
  if (others.length > 0) run.lose('answer.choices');
  if (safety.length > 0) run.lose('answer.safety');
  const said: Said = { called: false, refused: false };
  const content = (choice?.blocks ?? []).flatMap((block, index) => {
    const form = formOf(block.start, isOwn, run);
    if (form === undefined || !isSaid(block, form, isOwn)) return [];
    said.called ||= form === 'tool' || form === 'custom';
    said.refused ||= block.kind === 'refusal';
    return [writeBlock(block, form, index, meta, context)];
  });
  const endFields = { ...extensionOf(usage ?? {}), ...(choice?.finish && extensionOf(choice.finish)) };
  const { delta: _delta, ...further } = endFields;
  return {
    ...messageHead(meta, context, content),
    ...messageEnd(choice?.finish, said, isOwn, orNothing(endFields)),
    ...further,
    usage: writeUsage(usage, isOwn),
  };
}

/** An empty text can't be sent back to Anthropic. One of its own makes is left as it is. */
function isSaid(block: AnswerBlock, form: Form, isOwn: boolean): boolean {
  if (form === 'redacted') return block.signature !== undefined;
  if (isOwn || (form !== 'text' && form !== 'thinking')) return true;
  return block.text !== '' || (form === 'thinking' && block.signature !== undefined);
}

function writeBlock(block: AnswerBlock, form: Form, index: number, meta: Meta, { run }: EncodeContext): JsonObject {
  const { start, text, signature } = block;
  if (block.logprobs.length > 0) run.lose('answer.logprobs');
  const written = contentBlock(form, start, toolId(run.id, index), true);
  const proof = signature === undefined ? '' : signatureText(signature, meta.provider);
  switch (form) {
    case 'text': {
      const citations = ownCitations(block);
      if (citations.length < block.annotations.length) run.lose('answer.citations');
      return { ...written, text, ...(citations.length > 0 && { citations }) };
    }
    case 'thinking':
      return { ...written, thinking: text, signature: proof };
    case 'redacted':
      return { ...written, data: proof };
    case 'tool':
      return { ...written, input: readInput(block.arguments, block.final) };
    case 'custom':
      return { ...written, input: { input: block.arguments } };
    case 'whole':
      return isObject(block.final) ? block.final : withInput(written, block.arguments);
  }
}

function ownCitations({ annotations }: AnswerBlock): readonly unknown[] {
  return annotations.filter(({ dialect }) => dialect === anthropicMessages).map(({ annotation }) => annotation);
}

/** Arguments as a value. What a model wrote wrongly stays the text that it is. */
function readInput(json: string, final: unknown): unknown {
  if (json.trim() === '') return isObject(final) ? final : {};
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function withInput(block: JsonObject, json: string): JsonObject {
  return json === '' ? block : { ...block, input: readInput(json, undefined) };
}
