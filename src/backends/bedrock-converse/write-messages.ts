import { conversationOf } from '../../kernel/dialects/conversation.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { ChatRequest, Message } from '../../kernel/request.ts';
import { writeContent, writeSystem, writeToolResult, type ContentContext } from './write-content.ts';

export interface WrittenTurn {
  readonly role: 'user' | 'assistant';
  readonly content: JsonObject[];
}

/**
 * The system prompt and the turns, which alternate. A turn of which nothing is left would be refused, so it goes, and its
 * neighbours become one.
 */
export function writeMessages(
  request: ChatRequest,
  context: ContentContext,
): { readonly system: JsonObject[]; readonly messages: readonly WrittenTurn[] } {
  const { system, turns, movedSystem } = conversationOf(request.messages);
  if (movedSystem) context.run.lose('request.system_position');
  if (request.messages.some(({ name, role }) => name !== undefined && role !== 'tool'))
    context.run.lose('request.name');
  const indexes = new Map(request.messages.map((message, index) => [message, index]));
  const messages: WrittenTurn[] = [];
  for (const { role, messages: parts } of turns) {
    const content = parts.flatMap((message) => writeMessage(message, indexes.get(message) ?? 0, context));
    const last = messages.at(-1);
    if (content.length === 0) continue;
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content });
  }
  return { system: writeSystem(system, context), messages };
}

function writeMessage(message: Message, index: number, context: ContentContext): JsonObject[] {
  return message.role === 'tool' ? writeToolResult(message, index, context) : writeContent(message, index, context);
}
