import { channels, type Channel } from './modifier.ts';
import type { BlockKind } from './event.ts';

/** Calls of a tool, whoever runs it. */
const callKinds: ReadonlySet<BlockKind> = new Set(['tool_call', 'custom_tool_call', 'server_tool_call']);

export function isCallKind(kind: BlockKind): boolean {
  return callKinds.has(kind);
}

/** The channel on which modifiers read the text of a block; undefined where it has none. */
export function channelOf(kind: BlockKind): Channel | undefined {
  if (kind === 'reasoning_summary') return 'reasoning';
  if (callKinds.has(kind)) return 'toolArguments';
  return channels.find((channel) => channel === kind);
}
