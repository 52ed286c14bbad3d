import { bedrockConverseBackend } from '../../../src/backends/bedrock-converse.ts';
import type { Backend } from '../../../src/kernel/component.ts';
import type { ChatRequest, ContentBlock, Message, ToolDefinition } from '../../../src/kernel/request.ts';
import { chatRequest } from '../../support/chat-run.ts';
import { createInstance } from '../../support/component-instance.ts';
import { testRun } from '../../support/test-run.ts';

const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
export const backendOf = (config: object = {}): Backend =>
  createInstance(bedrockConverseBackend, { region: 'us-east-1', model: claude, ...config }, testRun().capabilities);

interface Encoded {
  readonly body: Record<string, unknown>;
  readonly lost: readonly string[];
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function encode(request: Partial<ChatRequest> = {}, config: object = {}): Encoded {
  const { run, lost } = testRun();
  const { body, path, headers } = backendOf(config).encode(chatRequest(request), run);
  return { body: JSON.parse(body) as Record<string, unknown>, lost: [...new Set(lost)].sort(), path, headers };
}

export const user = (...content: ContentBlock[]): Message => ({ role: 'user', content });
export const assistant = (...content: ContentBlock[]): Message => ({ role: 'assistant', content });
export const text = (words: string, more: Partial<ContentBlock> = {}): ContentBlock => ({
  kind: 'text',
  text: words,
  ...more,
});
export const call: ContentBlock = {
  kind: 'tool_call',
  name: 'weather',
  callId: 'call_1',
  arguments: '{"city":"Rome"}',
};
export const result: Message = { role: 'tool', callId: 'call_1', content: [text('sunny')] };
export const tool: ToolDefinition = {
  name: 'weather',
  description: 'Looks out',
  parameters: { type: 'object', properties: {} },
};
export const png = 'iVBORw0KGgo=';
