import type { Message } from '../request.ts';

/** Messages in a row that one side of the conversation says; the results of tools are said by the user. */
export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly messages: readonly Message[];
}

/** A request in the shape of the formats that have the system prompt beside the conversation. */
export interface Conversation {
  /** System and developer messages, in order, wherever they stood. */
  readonly system: readonly Message[];
  readonly turns: readonly Turn[];
  /** True where a system message stood between other messages, and its place is lost. */
  readonly movedSystem: boolean;
}

/** Takes the system messages out and joins neighbours of one side to turns. */
export function conversationOf(messages: readonly Message[]): Conversation {
  const system: Message[] = [];
  const turns: { role: Turn['role']; messages: Message[] }[] = [];
  let movedSystem = false;
  for (const message of messages) {
    if (message.role === 'system' || message.role === 'developer') {
      movedSystem ||= turns.length > 0;
      system.push(message);
      continue;
    }
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const last = turns.at(-1);
    if (last?.role === role) last.messages.push(message);
    else turns.push({ role, messages: [message] });
  }
  return { system, turns, movedSystem };
}

/** The names of the tools that were called before, by the id of the call: some formats name the tool in its result. */
export function toolNamesByCall(messages: readonly Message[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const message of messages) {
    for (const { callId, name, kind } of message.content)
      if (kind === 'tool_call' && callId !== undefined && name !== undefined) names.set(callId, name);
  }
  return names;
}
