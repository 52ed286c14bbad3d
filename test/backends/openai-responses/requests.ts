import { openaiResponsesBackend } from '../../../src/backends/openai-responses.ts';
import type { Backend } from '../../../src/kernel/component.ts';
import type { ChatRequest, ContentBlock, Message } from '../../../src/kernel/request.ts';
import { chatRequest, fakeRun } from '../../support/chat-run.ts';
import { TestClock } from '../../support/test-clock.ts';
import type { Json } from './frames.ts';

const defaults = { baseUrl: 'https://api.example/v1', model: 'm-1', stateless: true } as const;

export const build = (config: Json = {}): Backend =>
  openaiResponsesBackend.create({ ...defaults, ...config }, { clock: new TestClock() });

export function send(
  request: ChatRequest,
  config: Json = {},
): { readonly body: Json; readonly lost: readonly string[] } {
  const lost: string[] = [];
  const run = fakeRun({ lose: (what) => void lost.push(what) });
  return { body: JSON.parse(build(config).encode(request, run).body) as Json, lost };
}

export const sent = (request: ChatRequest, config: Json = {}): Json => send(request, config).body;

export const inputOf = (...messages: readonly Message[]): unknown => sent(chatRequest({ messages }))['input'];

export const user = (...content: readonly ContentBlock[]): Message => ({ role: 'user', content });

export const assistant = (...content: readonly ContentBlock[]): Message => ({ role: 'assistant', content });

export const image = 'data:image/png;base64,iVBORw0KGgo=';

export const text = (words: string): ContentBlock => ({ kind: 'text', text: words });

/** Reasoning that a backend of this format gave, as a client of another format sends it back. */
export const ownReasoning = (value: string, words?: string): ContentBlock => ({
  kind: 'reasoning',
  ...(words !== undefined && { text: words }),
  signature: { value, format: 'openai-responses', encrypted: true },
});

export const anthropicReasoning: ContentBlock = {
  kind: 'reasoning',
  text: 'hm',
  signature: { value: 'x', format: 'anthropic-messages' },
};
