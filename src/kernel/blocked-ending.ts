import Type from 'typebox';
import type { AnswerEnding } from './modifier.ts';

/** The config field `message` of what ends an answer. */
export function endingMessage(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description }));
}

/** How an answer ends that is blocked, as a content filter of a provider ends one. */
export function blockedEnding(message: string | undefined): AnswerEnding {
  return { reason: 'content_filter', ...(message !== undefined && { message }) };
}
