import type { AnswerBlock, ChatAnswer } from '../../kernel/answer.ts';
import type { AnswerEvent } from '../../kernel/event.ts';
import { logprobsOf } from './foreign-parts.ts';

/** The events that fold to an answer, block by block: a document is what the same answer would be as a stream. */
export function* replayAnswer({ meta, choices, usage, safety }: ChatAnswer): Generator<AnswerEvent> {
  yield { ...meta, type: 'response.meta' } as AnswerEvent;
  for (const { blocks, finish } of choices) {
    for (const block of blocks) yield* replayBlock(block);
    if (finish !== undefined) yield finish;
  }
  yield* safety;
  if (usage !== undefined) yield { type: 'usage', ...usage };
}

function* replayBlock(block: AnswerBlock): Generator<AnswerEvent> {
  const { blockId, role, start, text, arguments: json, annotations, media, logprobs, signature, final } = block;
  yield start;
  if (text !== '') yield { type: 'text.delta', blockId, role, text, logprobs: logprobs.flatMap(logprobsOf) };
  if (json !== '') yield { type: 'toolArgs.delta', blockId, json };
  yield* media;
  yield* annotations;
  if (signature !== undefined) yield signature;
  yield { type: 'block.end', blockId, ...(final !== undefined && { final }) };
}
