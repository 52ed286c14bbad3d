import { refuse, refuseType } from './field-check.ts';
import type { Message } from '../request.ts';

/**
 * Refuses a result that answers no tool call before it: no provider takes one. `field` is the field that names the call.
 * Calls without an id, as some servers make them, can't be matched, so behind one every result passes.
 */
export function checkToolResults(
  messages: readonly Message[],
  field: (message: Message, index: number) => string,
): void {
  let called: Set<string> | undefined;
  let hasUnnamed = false;
  for (const [index, message] of messages.entries()) {
    for (const { kind, callId } of message.content) {
      if (kind !== 'tool_call' && kind !== 'custom_tool_call') continue;
      called ??= new Set();
      if (callId === undefined) hasUnnamed = true;
      else called.add(callId);
    }
    if (message.role !== 'tool' || hasUnnamed) continue;
    const { callId } = message;
    if (callId === undefined) refuseType(field(message, index), 'the id of a tool call', undefined);
    if (called?.has(callId) !== true) refuse(field(message, index), 'the result answers no tool call before it');
  }
}
